//! Distinctive secrets wherever core has one: none is in the output of any target.

use outpost_demo::core::ProviderSpec;
use outpost_tests::folder::Folder;

use super::support::{core, fine, render, render_with, targets};

/// Every planted secret begins with this.
const PLANTED: &str = "pl4nted";

#[test]
fn no_secret_is_in_the_output_of_any_target() {
    let plant = |spec: ProviderSpec| {
        let mut spec = spec.basic_auth("attribute-of-user", "attribute-of-password");
        spec.client_secret = format!("{PLANTED}-client");
        spec.cookie_secret = format!("{PLANTED}-cookie");
        spec
    };
    let upstream = format!("http://user:{PLANTED}-upstream@wiki.internal:8080");
    let core = core([
        plant(ProviderSpec::proxy("wiki", "https://wiki.example.com", &upstream)),
        plant(ProviderSpec::forward_single("shop", "https://shop.example.com")),
        plant(ProviderSpec::forward_domain("all", "https://auth.example.org", "example.org")),
    ]);
    let secrets = [PLANTED.to_owned(), core.token()];
    let mut walked = 0;
    for target in targets().into_iter().chain(["--dump"]) {
        let said = render(&core, &[target]);
        assert_eq!(said.code, 0, "{target}: {}", said.err);
        for secret in &secrets {
            assert!(!said.out.contains(secret), "{target}: {}", said.out);
            assert!(!said.err.contains(secret), "{target}: {}", said.err);
        }
        walked += 1;
    }
    assert!(walked > 4, "{walked}");
}

#[test]
fn the_token_is_written_where_it_is_asked_for_and_for_nobody_else_to_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let core = core([ProviderSpec::forward_single("shop", "https://shop.example.com")]);
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    fine(render(&core, &["kubernetes", "--with-token", "--output", path]));
    let files: Vec<_> = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).collect();
    let text = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<String>();
    assert!(text.contains(&core.token()), "{text}");
    for file in files {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
    // Elsewhere there is nothing to write it into.
    let said = render_with(&core, &["nginx", "--with-token"], &[]);
    assert!(!said.out.contains(&core.token()), "{}", said.out);
    assert!(said.err.contains("--with-token changes nothing"), "{}", said.err);
}
