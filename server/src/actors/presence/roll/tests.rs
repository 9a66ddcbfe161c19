use serde_json::json;

use super::*;

fn beat(instance: &str, beat: u64) -> Beat {
    let replica = Replica {
        instance: instance.to_owned(),
        hostname: format!("host-{instance}"),
        seen: 1000,
        ..Replica::default()
    };
    Beat { beat, replica }
}

fn roll(beats: &[Beat]) -> Roll {
    let none = HashSet::new();
    beats
        .iter()
        .fold(Roll::default(), |roll, beat| Roll::read(&roll.with(beat, &none).unwrap()).unwrap())
}

fn names(replicas: &[Replica]) -> Vec<&str> {
    replicas.iter().map(|replica| replica.instance.as_str()).collect()
}

#[test]
fn each_replaces_its_own_entry_and_leaves_the_others() {
    let before = roll(&[beat("a", 1), beat("b", 1), beat("a", 2)]);
    let beats: Vec<_> = before.entries.iter().map(|entry| entry.beat.clone()).collect();
    assert_eq!(beats, [beat("b", 1), beat("a", 2)]);
    let after = Roll::read(&before.without("b").unwrap()).unwrap();
    assert_eq!(after.entries.len(), 1);
    let gone = HashSet::from(["b".to_owned()]);
    let after = Roll::read(&before.with(&beat("c", 1), &gone).unwrap()).unwrap();
    let instances: Vec<_> = after.entries.iter().map(|it| &it.beat.replica.instance).collect();
    assert_eq!(instances, ["a", "c"]);
}

#[test]
fn what_a_newer_version_says_of_itself_is_kept_and_what_an_older_one_leaves_out_is_nothing() {
    let written = json!({"v": 1, "of_the_future": 1, "replicas": [
        {"beat": 7, "instance": "new", "hostname": "n", "mood": "good"},
        {"instance": "old"},
    ]});
    let roll = Roll::read(written.to_string().as_bytes()).unwrap();
    assert_eq!(roll.entries[0].beat.replica.hostname, "n");
    assert_eq!(roll.entries[1].beat.beat, 0);
    let again = roll.with(&beat("own", 1), &HashSet::new()).unwrap();
    let again: Value = serde_json::from_slice(&again).unwrap();
    assert_eq!(again["replicas"][0]["mood"], "good");
    assert_eq!(again["replicas"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_no_roll_is_noticed_and_strange_texts_are_cut() {
    for (text, expected) in [
        ("", Unreadable::Garbage),
        ("[]", Unreadable::Garbage),
        (r#"{"v":0}"#, Unreadable::Garbage),
        (r#"{"v":1,"replicas":7}"#, Unreadable::Garbage),
        (r#"{"v":2,"replicas":7}"#, Unreadable::Newer),
    ] {
        assert_eq!(Roll::read(text.as_bytes()).unwrap_err(), expected, "{text}");
    }
    let long = format!(r#"{{"v":1,"replicas":[]{}}}"#, " ".repeat(LONGEST));
    assert_eq!(Roll::read(long.as_bytes()).unwrap_err(), Unreadable::Garbage);
    let written = json!({"v": 1, "replicas": [
        {"instance": "a", "hostname": "ä".repeat(1000), "version": "1\n2\u{0}", "this": true},
        {"instance": "a", "hostname": "a second time"},
        {"instance": ""}, {"instance": 7}, "what",
    ]});
    let roll = Roll::read(written.to_string().as_bytes()).unwrap();
    let [Entry { beat: Beat { replica, .. }, .. }] = roll.entries.as_slice() else {
        panic!("{roll:?}")
    };
    assert_eq!(replica.hostname, "ä".repeat(TEXT / 2));
    assert_eq!(replica.version, "12");
    assert!(!replica.this, "nobody else is this one");
}

#[test]
fn there_are_never_more_than_fit_and_who_beats_has_a_place() {
    let mut beats: Vec<_> = (0..MOST).map(|n| beat(&n.to_string(), 1)).collect();
    beats[3].replica.seen = 1;
    let written = beats.iter().map(|beat| serde_json::to_value(beat).unwrap());
    let full = Roll::read(&write(written).unwrap()).unwrap();
    assert_eq!(full.entries.len(), MOST);
    let next = Roll::read(&full.with(&beat("new", 1), &HashSet::new()).unwrap()).unwrap();
    assert_eq!(next.entries.len(), MOST);
    let has = |name: &str| next.entries.iter().any(|it| it.beat.replica.instance == name);
    assert!(has("new") && !has("3"));
    let same = Roll::read(&full.with(&beat("7", 2), &HashSet::new()).unwrap()).unwrap();
    assert_eq!(same.entries.len(), MOST, "who is there already takes nobody's place");
}

#[test]
fn an_entry_is_alive_as_long_as_it_changes_whatever_its_clock_says() {
    let mut watch = Watch::default();
    let (start, now) = (Instant::now(), Timestamp(1_000_000));
    let mut look = |beats: &[Beat], seconds: u64| {
        let at = start + Duration::from_secs(seconds);
        let now = now.plus(i64::try_from(seconds).unwrap());
        let (alive, gone) = watch.look(&roll(beats), "own", at, now);
        let seen: Vec<_> = alive.iter().map(|it| (it.instance.clone(), it.seen)).collect();
        (seen, gone.into_iter().collect::<Vec<_>>())
    };
    let quiet = beat("quiet", 1);
    let fast = |n| Beat {
        replica: Replica { seen: 9_000_000, ..beat("fast", n).replica },
        ..beat("fast", n)
    };
    let own = beat("own", 1);
    let first = look(&[own.clone(), quiet.clone(), fast(1)], 0);
    assert_eq!(first.0, [("fast".to_owned(), now.0), ("quiet".to_owned(), 1000)]);
    let later = look(&[quiet.clone(), fast(2)], 29);
    assert_eq!(later.0, [("fast".to_owned(), now.0 + 29), ("quiet".to_owned(), 1000)]);
    let (alive, gone) = look(&[quiet.clone(), fast(2)], 30);
    assert_eq!((alive.len(), gone), (1, vec!["quiet".to_owned()]));
    let (alive, gone) = look(&[quiet.clone(), fast(3)], 31);
    assert_eq!((alive.len(), gone.len()), (1, 1), "dead until it changes");
    let (alive, gone) = look(&[beat("quiet", 2), fast(3)], 32);
    assert_eq!((alive.len(), gone.len()), (2, 0));
}

#[test]
fn the_others_stand_by_host_name() {
    let mut watch = Watch::default();
    let beats = [beat("c", 1), beat("a", 1), beat("b", 1)];
    let (alive, _) = watch.look(&roll(&beats), "b", Instant::now(), Timestamp(0));
    assert_eq!(names(&alive), ["a", "c"]);
}
