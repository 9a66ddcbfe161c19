use std::sync::Mutex;

use actix_web::body::to_bytes;
use actix_web::http::{Method, StatusCode};
use actix_web::{App, test};
use outpost_decision::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::clock;
use crate::ops::questions::Questions;
use crate::ops::views::ViewParts;
use crate::publish::{Publisher, published};
use crate::session::contract::{id, key, session};
use crate::session::memory::MemoryStore;
use crate::snapshot::OutpostIdentity;

/// An API over sessions of alice (two, at providers 1 and 2), bob and carol (one each, at 1).
struct Office {
    api: Api,
    others: Arc<crate::ops::questions::Questions>,
    changed: Arc<Mutex<Vec<i64>>>,
    _snapshot: Publisher<Snapshot>,
}

impl Office {
    async fn open() -> Self {
        Self::over(MemoryStore::new(10_000)).await
    }

    async fn over(store: MemoryStore) -> Self {
        let sessions = Sessions::new(Arc::new(store));
        let outpost = OutpostIdentity { uuid: "u".to_owned(), ..OutpostIdentity::default() };
        let (publisher, snapshot) = published(Snapshot { outpost, ..Snapshot::default() });
        let asking =
            || Arc::new(Questions::new(sessions.clone(), snapshot.clone(), &"t".to_owned().into()));
        let (questions, others) = (asking(), asking());
        let parts = crate::ops::views::testing::parts();
        let views = Views::new(ViewParts { questions, sessions: sessions.clone(), ..parts });
        let changed = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&changed);
        let api = Api::new(ApiParts {
            sessions,
            snapshot,
            metrics: Arc::new(Metrics::new("1", "b").unwrap()),
            access: crate::ops::access::testing::local(),
            views,
            audit: crate::ops::audit::Audit::new(tokio::sync::mpsc::channel(64).0, String::new()),
            changed: Arc::new(move |provider| told.lock().unwrap().push(provider)),
        });
        let office = Self { api, others, changed, _snapshot: publisher };
        for (n, provider, sub, sid) in [
            (1, 1, "alice", Some("desk")),
            (2, 2, "alice", Some("phone")),
            (3, 1, "bob", Some("bobs")),
            (4, 1, "carol", None),
        ] {
            let end = clock::now().plus(1000 + i64::from(n));
            office.begin(n, session(provider, sub, sid, end)).await;
        }
        office
    }

    async fn begin(&self, n: u8, session: crate::session::Session) {
        let begun = self.api.parts.sessions.begin(&id(n), session, clock::now()).await;
        assert!(begun.unwrap().is_some());
    }

    async fn ask(&self, request: test::TestRequest) -> (StatusCode, Value) {
        let app = App::new().configure(|config| self.api.configure(config));
        let app = test::init_service(app).await;
        let request = request.insert_header(("host", "localhost:9301"));
        let request = request.peer_addr("127.0.0.1:4711".parse().unwrap()).to_request();
        let answer = test::call_service(&app, request).await;
        for (name, value) in crate::ops::dashboard::answers::SECURITY {
            assert_eq!(answer.headers().get(name).unwrap(), value);
        }
        let status = answer.status();
        let body = to_bytes(answer.into_body()).await.ok().unwrap();
        let shown = String::from_utf8_lossy(&body).into_owned();
        assert!(!shown.contains("payload") && !shown.contains(":\"refresh\""), "a token: {shown}");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn list(&self, query: &str) -> (StatusCode, Value) {
        self.ask(test::TestRequest::get().uri(&format!("/api/v1/sessions?{query}"))).await
    }

    /// User names of a page that must come, in the store's order.
    async fn users(&self, query: &str) -> Vec<String> {
        let (status, page) = self.list(query).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        users(&page)
    }

    async fn revoke(&self, order: Value) -> (StatusCode, Value) {
        let request = test::TestRequest::post().uri("/api/v1/sessions/revoke");
        self.ask(request.set_json(order)).await
    }

    async fn left(&self) -> usize {
        self.api.parts.sessions.count(None, Timestamp(0)).await.unwrap()
    }

    fn changed(&self) -> Vec<i64> {
        std::mem::take(&mut self.changed.lock().unwrap())
    }
}

fn users(page: &Value) -> Vec<String> {
    let rows = page["sessions"].as_array().unwrap();
    rows.iter().map(|row| row["user"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_session_is_shown_as_the_store_knows_it() {
    let office = Office::open().await;
    let (status, page) = office.list(&format!("key={}", key(1))).await;
    assert_eq!(status, StatusCode::OK);
    let row = &page["sessions"][0];
    assert_eq!(row["key"], key(1).to_string());
    assert_eq!(row["provider"], json!({ "pk": 1, "name": null, "application": null }));
    assert_eq!((&row["user"], &row["sub"]), (&json!("alice-name"), &json!("alice")));
    assert_eq!((&row["sid"], &row["origin"]), (&json!("desk"), &json!("sign_in")));
    assert_eq!(row["client_address"], "192.0.2.7");
    assert_eq!(row["user_agent"], "contract/1.0");
    assert!(row["expires"].as_i64().unwrap() > clock::now().0);
    assert_eq!((&page["scanned"], &page["next"]), (&json!(1), &Value::Null));
}

#[actix_web::test]
async fn each_filter_shows_those_it_means() {
    let office = Office::open().await;
    let everybody = ["carol-name", "bob-name", "alice-name", "alice-name"];
    assert_eq!(office.users("").await, everybody);
    assert_eq!(office.users("sub=alice").await, ["alice-name", "alice-name"]);
    assert_eq!(office.users("sid=bobs").await, ["bob-name"]);
    assert_eq!(office.users("provider=2").await, ["alice-name"]);
    assert_eq!(office.users("user=carol-name").await, ["carol-name"]);
    assert_eq!(office.users("user=carol").await, [""; 0]);
    assert_eq!(office.users("user=CAROL-name").await, [""; 0]);
    assert_eq!(office.users("address=192.0.2.7").await, everybody);
    assert_eq!(office.users("address=::ffff:192.0.2.7").await, everybody);
    assert_eq!(office.users("address=192.0.2.8").await, [""; 0]);
    assert_eq!(office.users("sub=nobody").await, [""; 0]);
    assert_eq!(office.users(&format!("key={}", key(9))).await, [""; 0]);
}

#[actix_web::test]
async fn pages_lead_to_the_end_and_look_at_no_more_than_they_may() {
    let office = Office::open().await;
    for (filter, expected) in [("", 4), ("user=alice-name", 2), ("provider=1", 3)] {
        let mut found = 0;
        let mut cursor = String::new();
        loop {
            let (status, page) = office.list(&format!("{filter}&limit=1{cursor}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            assert!(page["scanned"].as_u64().unwrap() <= 1, "{page}");
            found += page["sessions"].as_array().unwrap().len();
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, expected, "{filter}");
    }
}

#[actix_web::test]
async fn a_user_is_found_at_once_among_any_number_of_sessions() {
    let office = Office::open().await;
    let end = clock::now().plus(9000);
    for n in 0..PAGE {
        let id = crate::session::SessionId::random().unwrap();
        let dave = session(1, &format!("dave-{n}"), None, end);
        office.api.parts.sessions.begin(&id, dave, clock::now()).await.unwrap();
    }
    let (_, page) = office.list("user=alice-name").await;
    assert_eq!((users(&page).len(), &page["scanned"], &page["next"]), (2, &json!(2), &Value::Null));
    let (_, done) = office.revoke(json!({ "user": "alice-name" })).await;
    assert_eq!(done, json!({ "ended": 2, "subjects": 1, "scanned": 2 }));
}

#[actix_web::test]
async fn questions_that_make_no_sense_are_told_why() {
    let office = Office::open().await;
    let long = format!("sub={}", "x".repeat(URL_BYTES));
    for (query, status, word) in [
        ("limit=0", StatusCode::BAD_REQUEST, "between 1 and 1000"),
        ("limit=1001", StatusCode::BAD_REQUEST, "between 1 and 1000"),
        ("limit=many", StatusCode::BAD_REQUEST, "invalid digit"),
        ("cursor=elsewhere", StatusCode::BAD_REQUEST, "cursor"),
        ("sub=alice&sid=desk", StatusCode::BAD_REQUEST, "not several"),
        ("sub=alice&sub=bob", StatusCode::BAD_REQUEST, "duplicate"),
        ("name=alice", StatusCode::BAD_REQUEST, "unknown field"),
        ("key=abc", StatusCode::BAD_REQUEST, "64 hexadecimal"),
        ("sub=", StatusCode::BAD_REQUEST, "empty"),
        ("provider=wiki", StatusCode::NOT_FOUND, "wiki"),
        ("provider=", StatusCode::NOT_FOUND, "called"),
        (&long, StatusCode::URI_TOO_LONG, "16384"),
    ] {
        let (found, problem) = office.list(query).await;
        let message = problem["message"].as_str().unwrap_or_default();
        assert!(found == status && message.contains(word), "{query}: {found} {problem}");
    }
    let (status, problem) = office.ask(test::TestRequest::get().uri("/api/v1/other")).await;
    assert_eq!((status, &problem["error"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, _) = office.ask(test::TestRequest::get().uri("/api/v1/sessions/revoke")).await;
    assert!(status.is_client_error(), "{status}");
}

#[actix_web::test]
async fn a_dry_run_counts_and_the_same_order_ends_as_many() {
    for (order, count, left, changed) in [
        (json!({ "key": key(1).to_string() }), 1, 3, vec![1]),
        (json!({ "key": key(9).to_string() }), 0, 4, vec![]),
        (json!({ "sub": "alice" }), 2, 2, vec![1, 2]),
        (json!({ "sid": "bobs" }), 1, 3, vec![1]),
        (json!({ "provider": 1 }), 3, 1, vec![1]),
        (json!({ "provider": "2" }), 1, 3, vec![2]),
        (json!({ "user": "alice-name" }), 2, 2, vec![1, 2]),
        (json!({ "user": "nobody" }), 0, 4, vec![]),
        (json!({ "address": "::ffff:192.0.2.7" }), 4, 0, vec![1, 2]),
    ] {
        let office = Office::open().await;
        let mut dry = order.clone();
        dry["dry_run"] = true.into();
        let (status, counted) = office.revoke(dry).await;
        assert_eq!(status, StatusCode::OK, "{order}: {counted}");
        assert_eq!((&counted["would_end"], office.left().await), (&json!(count), 4), "{order}");
        assert!(counted.get("ended").is_none() && office.changed().is_empty());

        let (status, done) = office.revoke(order.clone()).await;
        assert_eq!((status, &done["ended"]), (StatusCode::OK, &json!(count)), "{order}");
        assert_eq!(office.left().await, left, "{order}");
        assert_eq!(office.changed(), changed, "{order}");
        let figures = office.api.parts.metrics.render();
        let series = format!("outpost_admin_sessions_ended_total {count}\n");
        assert!(figures.contains(&series), "{figures}");
    }
}

#[actix_web::test]
async fn a_user_is_signed_out_under_every_name_and_the_dry_run_knows() {
    let office = Office::open().await;
    let end = clock::now().plus(1000);
    for (n, name) in [(10, "alice-before-the-wedding"), (11, "")] {
        let mut session = session(3, "alice", None, end);
        session.about.user = name.to_owned();
        office.begin(n, session).await;
    }
    let dry = json!({ "user": "alice-name", "dry_run": true });
    let (_, counted) = office.revoke(dry).await;
    assert_eq!(counted, json!({ "would_end": 4, "subjects": 1, "scanned": 2 }));
    let (_, done) = office.revoke(json!({ "user": "alice-name" })).await;
    assert_eq!(done, json!({ "ended": 4, "subjects": 1, "scanned": 2 }));
    assert_eq!((office.left().await, office.changed()), (2, vec![1, 2, 3]));
}

#[actix_web::test]
async fn a_decision_of_another_replica_is_asked_for_and_then_found() {
    let office = Office::over(MemoryStore::shared_within_process(100)).await;
    let get = async || {
        let uri = format!("{PREFIX}/decisions/elsewhere");
        office.ask(test::TestRequest::get().uri(&uri)).await
    };
    let (status, problem) = get().await;
    assert_eq!((status, &problem["error"]), (StatusCode::ACCEPTED, &json!("asking")), "{problem}");
    let document = openapi::tests::document();
    let call = &document["paths"]["/api/v1/decisions/{id}"]["get"];
    let schema = &call["responses"]["202"]["content"]["application/json"]["schema"];
    assert_eq!(openapi::tests::faults(&document, schema, &problem), [""; 0]);
    assert_eq!(Problem::asking().error_response().headers().get("retry-after").unwrap(), "2");
    let decision = outpost_dashboard::model::DecisionPage {
        replica: "the-other".to_owned(),
        ..Default::default()
    };
    let answered = office.others.answer_others(|ids| vec![Some(decision.clone()); ids.len()]).await;
    assert_eq!(answered, Ok(true));
    let (status, found) = get().await;
    assert_eq!((status, &found["replica"]), (StatusCode::OK, &json!("the-other")), "{found}");
}

#[actix_web::test]
async fn an_order_that_is_not_exactly_one_ends_nobody() {
    let office = Office::open().await;
    for order in [
        json!({}),
        json!({ "dry_run": false }),
        json!({ "key": key(1).to_string(), "sub": "alice" }),
        json!({ "sub": "alice", "user": "alice-name" }),
        json!({ "sub": "" }),
        json!({ "sub": null }),
        json!({ "sid": 7 }),
        json!({ "user": "" }),
        json!({ "address": "" }),
        json!({ "address": "192.0.2" }),
        json!({ "user": "alice-name", "address": "192.0.2.7" }),
        json!({ "provider": "" }),
        json!({ "provider": "wiki" }),
        json!({ "provider": 1.5 }),
        json!({ "sub": "alice", "dry_run": "yes" }),
        json!({ "sub": "alice", "dry-run": true }),
        json!(["alice"]),
        json!("alice"),
        json!({ "sub": "x".repeat(BODY_BYTES) }),
    ] {
        let (status, problem) = office.revoke(order.clone()).await;
        assert!(status.is_client_error(), "{order}: {status} {problem}");
        assert!(problem["message"].is_string(), "{order}: {problem}");
    }
    for body in ["", "{", "sub=alice", "{\"sub\":\"alice\",\"sub\":\"bob\"}"] {
        let request = test::TestRequest::post().uri("/api/v1/sessions/revoke");
        let request = request.insert_header(("content-type", "application/json"));
        let (status, _) = office.ask(request.set_payload(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(office.left().await, 4);
}

/// A form, an image, a link of another site: the browser of an operator sends them.
#[actix_web::test]
async fn a_web_page_of_another_site_ends_nobody() {
    let office = Office::open().await;
    let order = json!({ "sub": "alice" }).to_string();
    let post =
        || test::TestRequest::post().uri("/api/v1/sessions/revoke").set_payload(order.clone());
    for request in [
        post().insert_header(("content-type", "text/plain")),
        post(),
        post()
            .insert_header(("content-type", "application/json"))
            .insert_header(("origin", "http://evil.example.com")),
        test::TestRequest::with_uri("/api/v1/sessions/revoke")
            .method(Method::OPTIONS)
            .insert_header(("origin", "http://evil.example.com")),
    ] {
        let (status, problem) = office.ask(request).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
        assert!(problem["remedy"].as_str().unwrap().contains("admin.token"), "{problem}");
    }
    assert_eq!(office.left().await, 4);
}

#[actix_web::test]
async fn requests_are_explained_and_mistakes_told() {
    let office = Office::open().await;
    let ask = async |query: &str| {
        let uri = format!("{PREFIX}/explain?{query}");
        office.ask(test::TestRequest::get().uri(&uri)).await
    };
    let (status, body) = ask("url=https://app.test/").await;
    assert_eq!((status, &body["problem"]), (StatusCode::OK, &Value::Null), "{body}");
    assert_eq!(body["explained"]["reasoning"]["reason"], "not_ready", "{body}");
    let (status, body) = ask("url=app.test").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body["problem"].as_str().unwrap().contains("https://"), "{body}");
    for query in ["", "url=", "url=https://app.test/&via=pigeon"] {
        let (status, body) = ask(query).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("bad_request")),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn every_call_is_answered_as_it_is_described() {
    let office = Office::open().await;
    let get = async |uri: &str| office.ask(test::TestRequest::get().uri(uri)).await;
    let (status, document) = get("/api/openapi.json").await;
    assert_eq!((status, &document["openapi"]), (StatusCode::OK, &json!("3.1.0")));
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(call) = item.get("get") else { continue };
        let uri = path
            .replace("{pk}", "7")
            .replace("{key}", &key(1).to_string())
            .replace("{id}", "decision-1");
        let uri = if uri.ends_with("/explain") { format!("{uri}?url=http://a/") } else { uri };
        let (status, answer) = get(&uri).await;
        let described = match status {
            StatusCode::OK => &call["responses"]["200"],
            StatusCode::ACCEPTED if path.ends_with("/decisions/{id}") => &call["responses"]["202"],
            StatusCode::NOT_FOUND if path.contains('{') => &call["responses"]["default"],
            status => panic!("{uri}: {status} {answer}"),
        };
        let schema = &described["content"]["application/json"]["schema"];
        let faults = openapi::tests::faults(&document, schema, &answer);
        assert!(faults.is_empty(), "{uri}: {faults:#?}");
    }
    for order in [json!({ "user": "alice-name", "dry_run": true }), json!({ "sub": "bob" })] {
        let (status, answer) = office.revoke(order).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let schema = openapi::tests::answer_of(&document, "/sessions/revoke");
        let faults = openapi::tests::faults(&document, schema, &answer);
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

/// What a call takes in its query, by its own word on a field that it does not take.
fn taken(message: &str) -> Vec<String> {
    let (_, names) = message.split_once("expected ").unwrap_or_default();
    let mut names: Vec<String> =
        names.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    names.sort();
    names
}

#[actix_web::test]
async fn every_parameter_of_a_query_is_described() {
    let office = Office::open().await;
    let document = openapi::tests::document();
    for (path, pk) in [("/sessions", ""), ("/decisions", ""), ("/providers/{pk}", "7")] {
        let uri = format!("{PREFIX}{}?surprise=1", path.replace("{pk}", pk));
        let (status, problem) = office.ask(test::TestRequest::get().uri(&uri)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let operation = &document["paths"][format!("{PREFIX}{path}")]["get"];
        let message = problem["message"].as_str().unwrap();
        assert_eq!(taken(message), openapi::tests::parameters(operation, "query"), "{message}");
    }
    // This one is read kindly: the form of the page knows what it takes.
    let form = json!(outpost_dashboard::model::ExplainForm::default());
    let mut fields: Vec<String> = form.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    let explain = &document["paths"]["/api/v1/explain"]["get"];
    assert_eq!(fields, openapi::tests::parameters(explain, "query"));
    let (_, problem) = office.revoke(json!({ "surprise": 1 })).await;
    let order = &document["components"]["schemas"]["Revocation"]["properties"];
    let mut described: Vec<String> = order.as_object().unwrap().keys().cloned().collect();
    described.sort();
    assert_eq!(taken(problem["message"].as_str().unwrap()), described);
}

#[actix_web::test]
async fn mistakes_in_questions_are_told() {
    let office = Office::open().await;
    for (path, status, error) in [
        ("/decisions?outcome=maybe", StatusCode::BAD_REQUEST, "bad_request"),
        ("/decisions?outcom=denied", StatusCode::BAD_REQUEST, "bad_request"),
        ("/decisions?limit=0", StatusCode::BAD_REQUEST, "bad_request"),
        ("/decisions?limit=1001", StatusCode::BAD_REQUEST, "bad_request"),
        ("/decisions?after=x", StatusCode::BAD_REQUEST, "bad_request"),
        ("/decisions/nobodys", StatusCode::NOT_FOUND, "unknown_decision"),
        ("/providers/7", StatusCode::NOT_FOUND, "unknown_provider"),
        ("/providers/wiki", StatusCode::NOT_FOUND, "unknown_provider"),
        ("/providers/7?tri=/x", StatusCode::BAD_REQUEST, "bad_request"),
        ("/sessions/short", StatusCode::NOT_FOUND, "unknown_session"),
        ("/sessions/revoke", StatusCode::METHOD_NOT_ALLOWED, "other_method"),
        ("/nothing", StatusCode::NOT_FOUND, "not_found"),
    ] {
        let uri = format!("{PREFIX}{path}");
        let (answered, problem) = office.ask(test::TestRequest::get().uri(&uri)).await;
        assert_eq!((answered, &problem["error"]), (status, &json!(error)), "{path}: {problem}");
    }
    let posted = test::TestRequest::post().uri("/api/v1/overview").set_json(json!({}));
    assert_eq!(office.ask(posted).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
