use super::*;

const KEY: SessionKey = SessionKey([7; 32]);

#[test]
fn of_many_that_ask_one_has_the_right_until_its_time_is_over() {
    let pauses = Pauses::default();
    assert!(pauses.claim(KEY, Timestamp(0)));
    assert!(!pauses.claim(KEY, Timestamp(CLAIM - 1)));
    assert!(pauses.claim(SessionKey([8; 32]), Timestamp(0)), "another session");
    assert!(pauses.claim(KEY, Timestamp(CLAIM)), "whoever had the right has died");
    pauses.set(KEY, Timestamp(CLAIM + 5));
    assert!(!pauses.claim(KEY, Timestamp(CLAIM + 4)));
    pauses.sweep(Timestamp(CLAIM + 5));
    assert!(pauses.0.is_empty());
}
