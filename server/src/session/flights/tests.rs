use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

use super::*;

/// Work that counts itself and waits at a gate.
fn work(
    begun: &Rc<Cell<u32>>,
    gate: &Rc<Notify>,
) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = u32>>> + Clone + use<> {
    let (begun, gate) = (Rc::clone(begun), Rc::clone(gate));
    move || {
        Box::pin(async move {
            begun.set(begun.get() + 1);
            gate.notified().await;
            begun.get()
        })
    }
}

#[actix_rt::test]
async fn many_that_want_the_same_get_it_from_one() {
    let flights: Flights<u8, u32> = Flights::default();
    let (begun, gate) = (Rc::default(), Rc::default());
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (flights, work) = (flights.clone(), work(&begun, &gate));
            actix_rt::spawn(async move { flights.join(1, work).await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.notify_one();
    for task in waiting {
        assert_eq!(*task.await.unwrap(), 1);
    }
    assert!(flights.is_empty());
    gate.notify_one();
    assert_eq!(*flights.join(1, work(&begun, &gate)).await, 2, "nothing is remembered");
}

#[actix_rt::test]
async fn different_keys_do_not_wait_for_each_other() {
    let flights: Flights<u8, u32> = Flights::default();
    flights.begin(1, std::future::pending);
    assert_eq!(*flights.join(2, || async { 7 }).await, 7);
    assert_eq!(flights.len(), 1);
}

#[actix_rt::test]
async fn when_the_one_dies_another_takes_over_and_nothing_is_left_behind() {
    let flights: Flights<u8, &str> = Flights::default();
    let first = Rc::new(Cell::new(true));
    let work = move || async move {
        tokio::task::yield_now().await;
        assert!(!first.replace(false), "the first one dies");
        "done"
    };
    assert_eq!(*flights.join(1, work).await, "done");
    assert!(flights.is_empty());
}

#[actix_rt::test]
async fn work_goes_on_when_nobody_waits_any_more() {
    let flights: Flights<u8, u32> = Flights::default();
    let (begun, gate) = (Rc::new(Cell::new(0)), Rc::default());
    {
        let impatient = flights.join(1, work(&begun, &gate));
        tokio::select! {
            biased;
            _ = impatient => unreachable!("the gate is closed"),
            () = tokio::task::yield_now() => {}
        }
    }
    flights.begin(1, work(&begun, &gate));
    gate.notify_one();
    assert_eq!(*flights.join(1, work(&begun, &gate)).await, 1, "still the first one");
}
