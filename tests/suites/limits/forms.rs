//! Forms that are read.

use outpost_tests::Browser;
use reqwest::Method;

use crate::limits::support::{reached, world};

#[tokio::test]
async fn the_form_of_a_logout_token_has_so_many_bytes() {
    let world = world(&[("OUTPOST__LIMITS__LOGOUT_FORM_BYTES", "2048")]).await;
    let url = world.url("app.test", "/outpost.goauthentik.io/backchannel_logout");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (bytes, status, counted) in [(2048, 400, 0), (2049, 413, 1)] {
        let body = format!("x={}", "x".repeat(bytes - 2));
        let answer = Browser::new().send(Method::POST, &url, &form, Some(body)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(reached(&world, "logout_form").await, counted);
    }
}
