//! Who is signed in.

use outpost::session::{Origin, Session, SessionAbout, SessionId, SessionStore, contract};
use outpost_decision::time::Timestamp;
use outpost_tests::{FaultyStore, World, filler};
use serde_json::Value;

use crate::sessions_cli::support::{
    browser, over_a_faulty_store, sessions, two_applications, with,
};

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} of {row}"))
}

#[tokio::test]
async fn the_list_shows_who_is_signed_in_and_neither_token_nor_cookie() {
    let world = two_applications().await;
    let alice = browser(&world, "alice", &["app.test", "wiki.test"]).await;
    let bob = browser(&world, "bob", &["wiki.test"]).await;

    let table = sessions(&world, &["list"]);
    assert_eq!(table.code, 0, "{table:?}");
    let lines: Vec<Vec<&str>> =
        table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["KEY", "USER", "PROVIDER", "SINCE", "SEEN", "EXPIRES", "ADDRESS", "AGENT"]
    );
    let mut who: Vec<(&str, &str)> = lines[1..].iter().map(|line| (line[1], line[2])).collect();
    who.sort_unstable();
    assert_eq!(who, [("alice", "app"), ("alice", "wiki"), ("bob", "wiki")], "{}", table.out);

    let rows = sessions(&world, &["list", "--json"]).json();
    let bobs = with(&rows, "user", "bob")[0];
    assert_eq!(bobs["provider"]["application"], "wiki");
    assert_eq!(bobs["provider"]["name"], "The wiki");
    assert_eq!(
        (&bobs["origin"], &bobs["client_address"]),
        (&"sign_in".into(), &"127.0.0.1".into())
    );
    assert!(bobs["expires"].as_i64() > bobs["created"].as_i64());

    let mut secrets: Vec<String> = Vec::new();
    for browser in [&alice, &bob] {
        let page = browser.get(&world.url("wiki.test", "/json")).await;
        secrets.push(page.received("x-authentik-jwt").unwrap());
        secrets.extend(browser.cookie_names().iter().filter_map(|name| browser.cookie(name)));
    }
    assert!(secrets.len() >= 5, "{secrets:?}");
    let api = format!("http://{}/api/v1/sessions", world.outpost.addresses.dashboard[0]);
    let mut shown = alice.get(&api).await.body;
    for arguments in [&["list"][..], &["list", "--wide"], &["list", "--json"]] {
        let said = sessions(&world, arguments);
        shown.extend([said.out, said.err]);
    }
    for secret in secrets {
        // A JWT begins as every other does; its end is what counts.
        assert!(!shown.contains(&secret[secret.len().saturating_sub(24)..]), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn each_filter_shows_its_own() {
    let world = two_applications().await;
    browser(&world, "alice", &["app.test", "wiki.test"]).await;
    browser(&world, "bob", &["wiki.test"]).await;
    let rows = sessions(&world, &["list", "--json"]).json();
    let bob = with(&rows, "user", "bob")[0];
    let wiki = bob["provider"]["pk"].to_string();
    for (filter, value, expected) in [
        ("--user", "alice", 2),
        ("--user", "nobody", 0),
        ("--sub", text(bob, "sub"), 1),
        ("--sid", text(bob, "sid"), 1),
        ("--key", text(bob, "key"), 1),
        ("--provider", "wiki", 2),
        ("--provider", "The wiki", 2),
        ("--provider", &wiki, 2),
        ("--provider", "app", 1),
    ] {
        let found = sessions(&world, &["list", filter, value, "--json"]).json();
        assert_eq!(found.len(), expected, "{filter} {value}");
    }
    let unknown = sessions(&world, &["list", "--provider", "elsewhere"]);
    assert!(unknown.code == 1 && unknown.err.contains("\"elsewhere\""), "{unknown:?}");
    let nobody = sessions(&world, &["list", "--user", "nobody"]);
    assert_eq!((nobody.code, &*nobody.out, &*nobody.err), (0, "", "no sessions\n"));
}

async fn fill(world: &World, store: &FaultyStore, count: usize) {
    let provider = world.outpost.published.snapshot.load().ruleset.providers()[0].pk;
    for n in 0..count {
        let plain = filler::session(provider, &format!("machine-{n}"));
        let session = Session {
            about: SessionAbout {
                user: "machine".into(),
                origin: Origin::Header,
                // They outlast real sessions and so stand before them in the list.
                expires: Timestamp(4_000_000_000),
                user_agent: "\u{1b}[31mevil\u{9b}0m".into(),
                ..plain.about
            },
            ..plain
        };
        let id = SessionId::random().unwrap();
        store
            .insert(id.key(), &session.seal(&id, &contract::secret(), Timestamp(0)).unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn pages_are_followed_as_far_as_was_asked_for() {
    let (world, store) = over_a_faulty_store(&[]).await;
    fill(&world, &store, 2300).await;
    browser(&world, "alice", &["app.test"]).await;
    for (arguments, expected, more) in [
        (&["list", "--json"][..], 100, true),
        (&["list", "--json", "--limit", "7"], 7, true),
        (&["list", "--json", "--limit", "1500"], 1500, true),
        (&["list", "--json", "--limit", "5000"], 2301, false),
        (&["list", "--json", "--all"], 2301, false),
        (&["list", "--json", "--user", "alice"], 1, false),
        (&["list", "--json", "--user", "machine", "--limit", "1200"], 1200, true),
    ] {
        let said = sessions(&world, arguments);
        assert_eq!(said.json().len(), expected, "{arguments:?}");
        assert_eq!(said.err.contains("--all"), more, "{arguments:?}: {}", said.err);
        let mut keys: Vec<String> =
            said.json().iter().map(|row| text(row, "key").to_owned()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), expected, "each once");
        assert!(said.out.chars().all(|c| c == '\n' || !c.is_control()), "{arguments:?}");
    }
    let table = sessions(&world, &["list", "--all"]);
    assert_eq!(table.out.lines().count(), 2302, "and one line of headings");
    assert!(table.out.chars().all(|c| c == '\n' || !c.is_control()), "nothing to obey");
}
