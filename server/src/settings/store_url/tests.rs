use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const MASK: &str = "***";

fn good(text: &str) -> (StoreUrl, String) {
    parse(text, MASK).unwrap_or_else(|problem| panic!("{text} {problem}"))
}

fn redis(text: &str) -> RedisStore {
    match good(text).0 {
        StoreUrl::Redis(redis) => redis,
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn every_kind_of_store_has_its_url() {
    // The place, as it is logged: with every default written out and without credentials.
    for (text, place) in [
        ("memory:", "memory:"),
        ("MEMORY:", "memory:"),
        ("file:/var/lib/outpost/sessions.db", "file:/var/lib/outpost/sessions.db"),
        ("file:sessions.db", "file:sessions.db"),
        ("file:///var/lib/sessions.db", "file:/var/lib/sessions.db"),
        ("file:////var/lib/sessions.db", "file:/var/lib/sessions.db"),
        ("file:/with blank/100%41#1", "file:/with blank/100%41#1"),
        ("redis://cache", "redis://cache:6379/0"),
        ("redis://cache/", "redis://cache:6379/0"),
        ("Redis://cache:7000/15", "redis://cache:7000/15"),
        ("rediss://user:word@cache.example.com", "rediss://cache.example.com:6379/0"),
        ("valkey://10.0.0.1", "redis://10.0.0.1:6379/0"),
        ("valkeys://my_cache-1", "rediss://my_cache-1:6379/0"),
        ("redis://[::1]", "redis://[::1]:6379/0"),
        ("redis://:word@[2001:db8:0::1]:7000/3", "redis://[2001:db8::1]:7000/3"),
        ("redis+sentinel://s1/main", "redis+sentinel://s1:26379/main/0"),
        (
            "rediss+sentinel://u:word@s1,s2:7000,[::1]/main/2",
            "rediss+sentinel://s1:26379,s2:7000,[::1]:26379/main/2",
        ),
        ("valkey+sentinel://s1/my%20main/", "redis+sentinel://s1:26379/my main/0"),
        ("redis+cluster://n1", "redis+cluster://n1:6379"),
        ("redis+cluster://n1,n2:7000/", "redis+cluster://n1:6379,n2:7000"),
        ("valkeys+cluster://:word@n1,[::2]:1", "rediss+cluster://n1:6379,[::2]:1"),
    ] {
        assert_eq!(good(text).0.to_string(), place, "{text}");
    }
}

#[test]
fn users_and_passwords_are_percent_encoded_and_each_may_be_missing() {
    for (text, username, password) in [
        ("redis://h", None, None),
        ("redis://@h", None, None),
        ("redis://:@h", None, None),
        ("redis://user@h", Some("user"), None),
        ("redis://user:@h", Some("user"), None),
        ("redis://:word@h", None, Some("word")),
        ("redis://us%2Fer:w%40rd%3a%25%C3%BC@h", Some("us/er"), Some("w@rd:%\u{fc}")),
        ("redis+cluster://user:a:b@h,i", Some("user"), Some("a:b")),
        ("redis+sentinel://u:p@h/m", Some("u"), Some("p")),
    ] {
        let redis = redis(text);
        assert_eq!(redis.username.as_deref(), username, "{text}");
        assert_eq!(redis.password.as_ref().map(ExposeSecret::expose_secret), password, "{text}");
    }
}

#[test]
fn a_url_is_shown_as_it_was_written_but_for_the_password() {
    for (text, shown) in [
        ("memory:", "memory:"),
        ("file:a/b", "file:a/b"),
        // With three slashes it would be read again as a reference to a file.
        ("file:///a/b", "file:/a/b"),
        ("redis://h", "redis://h"),
        ("redis://us%20er@h/1", "redis://us%20er@h/1"),
        ("valkeys://:word@h:1/1", "valkeys://:***@h:1/1"),
        ("redis+sentinel://u:word@h,i/m%20m", "redis+sentinel://u:***@h,i/m%20m"),
    ] {
        let (store, found) = good(text);
        assert_eq!(found, shown, "{text}");
        assert_eq!(good(&shown.replace(MASK, "word")).0.to_string(), store.to_string(), "{text}");
    }
}

#[test]
fn every_mistake_in_a_url_is_named() {
    for (text, problem) in [
        ("", "is empty; it must be one of memory:, file:/path, redis://"),
        ("memory", "is not the URL of a session store, which would be one of memory:"),
        ("memory:?size=1", "takes no parameters"),
        ("http://cache", "has the scheme \"http\", which is none of memory:, file:/path"),
        ("redis+ring://cache", "has the scheme \"redis+ring\", which is none of"),
        ("redis:cache", "has the scheme \"redis\" without //"),
        ("file:", "names no file"),
        ("file:/var/lib/", "names no file"),
        ("file:///", "names no file"),
        ("file://host/path", "names a host"),
        ("file:/path?mode=ro", "a file store takes no parameters"),
        ("file:/pa\nth", "control characters"),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://user:word@", "names no host"),
        ("redis://:7000", "names no host"),
        ("redis://[::1", "a [ without a ]"),
        ("redis://[cache]", "without an IPv6 address"),
        ("redis://[::1]7000", "other than a port behind a ]"),
        ("redis://::1", "an IPv6 address stands in brackets"),
        ("redis://ca%63he", "neither a host name nor an address"),
        ("redis://cache:", "a port that is not between 1 and 65535"),
        ("redis://cache:0", "a port that is not between 1 and 65535"),
        ("redis://cache:65536", "a port that is not between 1 and 65535"),
        ("redis://cache:+1", "a port that is not between 1 and 65535"),
        ("redis://cache:port", "a port that is not between 1 and 65535"),
        ("redis://cache/main", "not the number of a database"),
        ("redis://cache/-1", "not the number of a database"),
        ("redis://cache/0/1", "not the number of a database"),
        ("redis://cache/99999999999", "not the number of a database"),
        ("redis://cache?db=1", "takes no parameters"),
        ("redis://cache#1", "takes no parameters"),
        ("redis://cache /0", "blanks"),
        ("redis://one,two", "a scheme with +sentinel or +cluster"),
        ("redis://user:wo%rd@cache", "a % that encodes nothing"),
        ("redis://user:word%2@cache", "a % that encodes nothing"),
        ("redis://user:%ff@cache", "a % that encodes nothing"),
        ("redis://user:wo/rd@cache", "write %2F"),
        ("redis://user:wo@rd@cache", "write %2F %3F %23 %40"),
        ("redis://user:wo#rd@cache", "write %2F"),
        ("redis+sentinel://s1,s2", "names no master"),
        ("redis+sentinel://s1//0", "names no master"),
        ("redis+sentinel://s1/ma%in", "a master name with a wrong %"),
        ("redis+sentinel://s1/main/zero", "not the number of a database"),
        ("redis+sentinel://s1,,s3/main", "names no host (host 2 of the list)"),
        ("redis+sentinel://s1,s2:x/main", "a port that is not between 1 and 65535 (host 2"),
        ("redis+cluster://n1,", "names no host (host 2 of the list)"),
        ("redis+cluster://n1/0", "a cluster has neither"),
    ] {
        match parse(text, MASK) {
            Ok((store, _)) => panic!("{text} is taken as {store}"),
            Err(found) => assert!(found.contains(problem), "{text} {found}"),
        }
    }
}

/// A word that is in no message by itself.
const SECRET: &str = "Sw0rdf1sh";

#[test]
fn a_password_in_the_wrong_place_is_in_no_message() {
    for text in [
        "Sw0rdf1sh",
        ":Sw0rdf1sh@cache",
        "Sw0rdf1sh@cache:6379",
        "Sw0rdf1sh:6379",
        "user:Sw0rdf1sh@cache",
        "redis:Sw0rdf1sh@cache",
        "redis://:Sw0rdf1sh",
        "redis://user:Sw0rdf1sh",
        "redis://cache:Sw0rdf1sh",
        "redis://cache/Sw0rdf1sh",
        "redis://cache?password=Sw0rdf1sh",
        "redis://:Sw0rdf1sh%@cache",
        "redis://[Sw0rdf1sh]",
        "redis+sentinel://:Sw0rdf1sh@s1",
        "redis+cluster://:Sw0rdf1sh@n1/1",
        "file://Sw0rdf1sh@host/x",
        "http://:Sw0rdf1sh@cache",
    ] {
        let problem = parse(text, MASK).unwrap_err();
        assert!(!problem.contains(SECRET), "{text} {problem}");
    }
}

proptest! {
    #[test]
    fn no_password_is_ever_shown(
        scheme in "(redis|rediss|valkey)(\\+sentinel|\\+cluster)?|http|memory|file|",
        before in "[a-z%:@/?#\\[]{0,3}",
        after in "[a-z%0-9:@/?#,\\] ]{0,4}",
        place in "[a-z0-9:/,?%\\[\\]]{0,12}",
    ) {
        let text = format!("{scheme}://user:{before}{SECRET}{after}@{place}");
        let shown = match parse(&text, MASK) {
            Ok((store, shown)) => format!("{store} {store:?} {shown}"),
            Err(problem) => problem,
        };
        // A file store has no password: its path is shown.
        prop_assert!(scheme == "file" || !shown.contains(SECRET), "{} {}", text, shown);
    }

    #[test]
    fn what_is_written_rightly_is_read_back(
        user in "\\PC{0,8}",
        word in "\\PC{0,8}",
        port in 1_u16..,
        database in 0_u32..,
    ) {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let text = format!("redis://{}:{}@h:{port}/{database}", encode(&user), encode(&word));
        let redis = redis(&text);
        prop_assert_eq!(redis.username.unwrap_or_default(), user);
        let found = redis.password.as_ref().map_or("", ExposeSecret::expose_secret);
        prop_assert_eq!(found, word);
        prop_assert_eq!(redis.topology, Topology::Single(HostPort { host: "h".into(), port }));
        prop_assert_eq!(redis.database, i64::from(database));
    }
}
