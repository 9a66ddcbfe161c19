//! Small shared values: what leases and shared results are made of.

use std::time::Duration;

use bytes::Bytes;

use super::present;
use crate::session::store::SessionStore;

pub(super) async fn check(store: &impl SessionStore) {
    let (values, now) = (store.values(), present());
    let read = |name| values.read(name, now);
    assert_eq!(read("a").await, Ok(None));
    let binary = Bytes::from_static(b"\0\xff one");
    values.write("a", Some(binary.clone()), None, now).await.expect("write");
    assert_eq!(read("a").await, Ok(Some(binary.clone())));
    assert_eq!(read("b").await, Ok(None));
    values.write("a", None, None, now).await.expect("remove");
    assert_eq!(read("a").await, Ok(None));

    let minute = Some(Duration::from_secs(60));
    let (one, two) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
    let swap = |expected, value| values.swap("lease", expected, value, minute, now);
    assert_eq!(swap(Some(&b"0"[..]), Some(two.clone())).await, Ok(false), "nothing stands there");
    assert_eq!(swap(None, Some(one.clone())).await, Ok(true));
    assert_eq!(swap(None, Some(two.clone())).await, Ok(false), "somebody has it");
    assert_eq!(read("lease").await, Ok(Some(one.clone())));
    assert_eq!(swap(Some(b"1"), Some(two.clone())).await, Ok(true));
    assert_eq!(swap(Some(b"1"), None).await, Ok(false), "it has changed hands");
    assert_eq!(swap(Some(b"2"), None).await, Ok(true));
    assert_eq!(read("lease").await, Ok(None));
    assert_eq!(swap(None, None).await, Ok(true), "nothing for nothing");
    assert_eq!(read("lease").await, Ok(None));
}
