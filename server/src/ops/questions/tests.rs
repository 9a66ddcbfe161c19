use std::sync::Arc;

use outpost_dashboard::model::DecisionRow;

use super::*;
use crate::publish::published;
use crate::session::memory::MemoryStore;
use crate::snapshot::OutpostIdentity;

fn replica(sessions: &Sessions, uuid: &str, token: &str) -> Questions {
    let outpost = OutpostIdentity { uuid: uuid.to_owned(), ..OutpostIdentity::default() };
    let (_, snapshot) = published(Snapshot { outpost, ..Snapshot::default() });
    Questions::new(sessions.clone(), snapshot, &SecretString::from(token.to_owned()))
}

fn shared() -> Sessions {
    Sessions::new(Arc::new(MemoryStore::shared_within_process(100)))
}

fn page(id: &str) -> DecisionPage {
    let row =
        DecisionRow { id: id.to_owned(), user: Some("alice".to_owned()), ..DecisionRow::default() };
    DecisionPage { row, replica: "the-one-that-knows".to_owned(), ..DecisionPage::default() }
}

/// What a replica finds that knows every decision.
fn all(ids: &[&str]) -> Vec<Option<DecisionPage>> {
    ids.iter().map(|id| Some(page(id))).collect()
}

/// What one finds that knows this decision alone.
fn only(known: &str) -> impl Fn(&[&str]) -> Vec<Option<DecisionPage>> {
    move |ids| ids.iter().map(|id| (*id == known).then(|| page(id))).collect()
}

#[tokio::test]
async fn another_replica_answers_what_it_alone_knows() {
    let sessions = shared();
    let (asker, knows) = (replica(&sessions, "u", "token"), replica(&sessions, "u", "token"));
    let find = only("7d9f");
    assert_eq!(knows.answer_others(&find).await, Ok(false), "nobody asks");
    assert_eq!(asker.ask("7d9f").await, FleetDecision::Asking);
    assert_eq!(asker.ask("7d9f").await, FleetDecision::Asking);
    assert_eq!(
        asker.answer_others(|ids| vec![None; ids.len()]).await,
        Ok(true),
        "who asks does not know"
    );
    assert_eq!(asker.ask("7d9f").await, FleetDecision::Asking);
    assert_eq!(knows.answer_others(&find).await, Ok(true));
    assert_eq!(asker.ask("7d9f").await, FleetDecision::Found(Box::new(page("7d9f"))));
    let written = sessions.values().read(&answer_name("fleet/u", "7d9f"), clock::now()).await;
    let written = written.unwrap().unwrap();
    assert!(!written.windows(5).any(|bytes| bytes == b"alice"), "names of people are sealed");
}

#[tokio::test]
async fn who_holds_another_token_or_is_another_outpost_gives_no_answer() {
    let sessions = shared();
    let asker = replica(&sessions, "u", "token");
    let other_token = replica(&sessions, "u", "another");
    let other_outpost = replica(&sessions, "v", "token");
    assert_eq!(asker.ask("id").await, FleetDecision::Asking);
    assert_eq!(other_outpost.answer_others(all).await, Ok(false));
    assert_eq!(other_token.answer_others(all).await, Ok(true));
    assert_eq!(asker.ask("id").await, FleetDecision::Asking, "it does not open");
    // An answer to another question, put where this one's is expected.
    let values = sessions.values();
    let (one, two) = (answer_name("fleet/u", "id"), answer_name("fleet/u", "two"));
    let honest = replica(&sessions, "u", "token");
    assert_eq!(asker.ask("two").await, FleetDecision::Asking);
    honest.answer_others(only("two")).await.unwrap();
    let sealed = values.read(&two, clock::now()).await.unwrap();
    values.write(&one, sealed, None, clock::now()).await.unwrap();
    assert_eq!(asker.ask("id").await, FleetDecision::Asking);
}

#[tokio::test]
async fn nobody_is_asked_for_what_is_no_id_or_where_there_are_no_others() {
    let sessions = shared();
    let asker = replica(&sessions, "u", "token");
    for id in ["", "a b", "<script>", &"x".repeat(200)] {
        assert_eq!(asker.ask(id).await, FleetDecision::Nobody, "{id}");
    }
    assert_eq!(replica(&sessions, "", "token").ask("id").await, FleetDecision::Nobody);
    let alone = Sessions::new(Arc::new(MemoryStore::new(10)));
    assert_eq!(replica(&alone, "u", "token").ask("id").await, FleetDecision::Nobody);
    assert_eq!(asker.answer_others(all).await, Ok(false));
}

#[tokio::test]
async fn open_questions_are_few_and_what_is_no_list_is_none() {
    let sessions = shared();
    let asker = replica(&sessions, "u", "token");
    for n in 0..MOST + 5 {
        assert_eq!(asker.ask(&format!("id-{n}")).await, FleetDecision::Asking);
    }
    let written = sessions.values().read("fleet/u/asked", clock::now()).await.unwrap().unwrap();
    let open = read(&written);
    assert_eq!(open.ids.len(), MOST);
    assert_eq!(open.ids[0], "id-5", "the oldest gave way");
    for text in ["", "nonsense", r#"{"v":2,"ids":["a"]}"#, r#"{"v":1,"ids":["a b","<"]}"#] {
        assert!(read(&Bytes::from_static(text.as_bytes())).ids.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn after_a_while_without_an_answer_nobody_has_it() {
    let sessions = shared();
    let asker = replica(&sessions, "u", "token");
    assert_eq!(asker.ask("id").await, FleetDecision::Asking);
    let long_ago = Instant::now().checked_sub(PATIENCE).unwrap();
    lock(&asker.asked).insert("id".to_owned(), long_ago);
    assert_eq!(asker.ask("id").await, FleetDecision::Nobody);
    let longer_ago = Instant::now().checked_sub(SETTLED).unwrap();
    lock(&asker.asked).insert("id".to_owned(), longer_ago);
    assert_eq!(asker.ask("id").await, FleetDecision::Asking, "asked anew");
}

#[tokio::test]
async fn what_is_not_known_here_is_not_looked_up_again_while_the_question_stands() {
    let sessions = shared();
    let (asker, other) = (replica(&sessions, "u", "token"), replica(&sessions, "u", "token"));
    for id in ["one", "two"] {
        assert_eq!(asker.ask(id).await, FleetDecision::Asking);
    }
    let looked_up = Mutex::new(Vec::new());
    let look = async || {
        let find = |ids: &[&str]| {
            looked_up.lock().unwrap().push(ids.join(" "));
            vec![None; ids.len()]
        };
        assert_eq!(other.answer_others(find).await, Ok(true));
        std::mem::take(&mut *looked_up.lock().unwrap())
    };
    assert_eq!(look().await, ["one two"], "all at once");
    assert_eq!(look().await, ["one two"], "it may have been written down since");
    assert_eq!(look().await, [""; 0]);
    assert_eq!(asker.ask("three").await, FleetDecision::Asking);
    assert_eq!(look().await, ["three"]);
    // The questions run out, and are asked anew later.
    sessions.values().write(&list("fleet/u"), None, None, clock::now()).await.unwrap();
    assert_eq!(other.answer_others(all).await, Ok(false));
    assert_eq!(asker.ask("one").await, FleetDecision::Asking);
    assert_eq!(look().await, ["one"]);
}
