//! Real reverse proxies, each started with exactly what `outpost render` writes for it: nginx,
//! Traefik, Caddy, Envoy and HAProxy.

mod attacks;
mod chromium;
mod closed;
mod encrypted;
mod front;
mod given;
mod loads;
mod places;
mod roads;

/// Each promise by each proxy, as a test of its own.
macro_rules! promises {
    ($($module:ident :: $promise:ident),* $(,)?) => {
        promises!(@one nginx Nginx $($module::$promise)*);
        promises!(@one traefik Traefik $($module::$promise)*);
        promises!(@one caddy Caddy $($module::$promise)*);
        promises!(@one envoy Envoy $($module::$promise)*);
        promises!(@one haproxy HaProxy $($module::$promise)*);
    };
    (@one $name:ident $kind:ident $($module:ident :: $promise:ident)*) => {
        mod $name {
            use outpost_tests::proxies::Kind;
            $(#[tokio::test] async fn $promise() { super::$module::$promise(Kind::$kind).await })*
        }
    };
}

promises!(
    roads::the_main_road,
    roads::public_paths_are_public_and_nobodys,
    roads::scripts_are_told_401,
    roads::parallel_tabs_all_arrive,
    roads::machines_that_sign_in_with_a_header_get_a_cookie,
    places::every_byte_of_an_address_arrives,
    places::applications_below_paths_of_one_host_are_apart,
    places::the_outpost_forwards_by_itself_in_proxy_mode,
    loads::websockets_pass_for_people_who_are_signed_in,
    loads::large_headers_pass,
    loads::bodies_pass_whole_and_only_to_the_application,
    loads::nobody_gets_in_while_the_outpost_is_away,
    attacks::identity_is_never_the_clients_own,
    attacks::nobody_gets_in_by_claiming_another_address,
    attacks::nobody_gets_in_by_an_ambiguous_path,
    attacks::nobody_gets_a_tunnel_past_the_check,
    closed::an_outpost_that_fails_opens_nothing,
    given::a_credential_is_the_outposts_or_the_applications,
    given::applications_get_the_credentials_that_core_has,
    given::headers_that_the_operator_names_are_nobodys_own,
    given::cookies_of_a_yes_reach_the_browser,
    encrypted::people_come_over_tls,
    encrypted::outpost_and_application_are_who_they_say,
    places::paths_that_differ_by_case_are_two,
);

mod nginx_proxy_manager {
    use outpost_tests::proxies::Kind;

    #[tokio::test]
    async fn the_main_road() {
        super::roads::the_main_road(Kind::NginxProxyManager).await;
    }

    #[tokio::test]
    async fn websockets_pass_for_people_who_are_signed_in() {
        super::loads::websockets_pass_for_people_who_are_signed_in(Kind::NginxProxyManager).await;
    }

    #[tokio::test]
    async fn an_outpost_that_fails_opens_nothing() {
        super::closed::an_outpost_that_fails_opens_nothing(Kind::NginxProxyManager).await;
    }

    #[tokio::test]
    async fn nobody_gets_in_by_claiming_another_address() {
        super::attacks::nobody_gets_in_by_claiming_another_address(Kind::NginxProxyManager).await;
    }
}
