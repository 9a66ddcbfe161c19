//! A replica dies between two steps of ending sessions; another one carries it out again.

use std::collections::HashSet;
use std::time::Duration;

use outpost::session::contract::{self, key};
use outpost::session::{Inserted, RevocationLog, Selection, SessionStore, StoreError};
use outpost_tests::redis::{Options, RedisServer};

use crate::stores::support::{has, options, store};

/// Each step is kept from happening by a right that the user lacks then; what comes before it has
/// happened.
#[actix_rt::test]
async fn whoever_ends_the_same_again_leaves_nobody_signed_in_and_tells_of_everybody() {
    let server = RedisServer::with(Options::new().user("outpost", "secret", "~* +@all"));
    for (round, right) in (0..).step_by(10).zip(["del", "hset", "xadd", "zrem"]) {
        let store = store(options(&server));
        let expires = contract::present().0 + 1000;
        for n in round..round + 5 {
            let record = contract::record(n, 7, &format!("user-{round}"), Some("sid"), expires);
            assert_eq!(store.insert(key(n), &record).await, Ok(Inserted::Kept));
        }
        let begin = store.end_of_log().await.unwrap();
        let selection = Selection::Subject(format!("user-{round}"));
        let _ = server.cli(&["acl", "setuser", "outpost", &format!("-{right}")]);
        let died = store.end(&selection).await;
        assert!(matches!(died, Err(StoreError::Unavailable(_))), "{right}: {died:?}");
        let _ = server.cli(&["acl", "setuser", "outpost", &format!("+{right}")]);

        store.end(&selection).await.unwrap();
        let read = store.read_log(&begin, Duration::ZERO).await.unwrap();
        assert!(read.continuous);
        let told: HashSet<_> = read.ended.iter().map(|ended| ended.key).collect();
        assert_eq!(told, (round..round + 5).map(key).collect(), "{right}");
        for n in round..round + 5 {
            assert!(!has(&store, &key(n)).await, "{right}: {n}");
        }
        assert_eq!(store.end(&selection).await, Ok(vec![]), "{right}: nothing is left");
    }
}
