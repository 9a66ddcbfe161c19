//! Users of the stand-in core.

use serde_json::{Value, json};

use crate::core::crypto;

/// One person (or service account) of core.
#[derive(Clone, Debug)]
pub struct UserSpec {
    /// User name.
    pub username: String,
    /// Login password.
    pub password: String,
    /// Full name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Groups, in the order tokens list them.
    pub groups: Vec<String>,
    /// Entitlements, also sent as `roles`: slug of the application, name.
    pub entitlements: Vec<(String, String)>,
    /// Attributes: any JSON object; `additionalHeaders` is where extra headers live.
    pub attributes: Value,
    /// Whether the user is a superuser of core.
    pub superuser: bool,
    /// App passwords, valid for `client_credentials`.
    pub app_passwords: Vec<String>,
    /// Slugs of applications this user may not use.
    pub denied: Vec<String>,
}

impl UserSpec {
    /// A user without groups, attributes or app passwords.
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            name: username.to_owned(),
            email: format!("{username}@example.com"),
            groups: Vec::new(),
            entitlements: Vec::new(),
            attributes: json!({}),
            superuser: false,
            app_passwords: Vec::new(),
            denied: Vec::new(),
        }
    }

    /// Sets the full name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.email = email.to_owned();
        self
    }

    /// Sets the groups.
    #[must_use]
    pub fn groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|&group| group.to_owned()).collect();
        self
    }

    /// Adds an entitlement of the application with this slug.
    #[must_use]
    pub fn entitled(mut self, slug: &str, entitlement: &str) -> Self {
        self.entitlements.push((slug.to_owned(), entitlement.to_owned()));
        self
    }

    /// Sets the attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: Value) -> Self {
        self.attributes = attributes;
        self
    }

    /// Makes the user a superuser.
    #[must_use]
    pub fn superuser(mut self) -> Self {
        self.superuser = true;
        self
    }

    /// Adds an app password.
    #[must_use]
    pub fn app_password(mut self, password: &str) -> Self {
        self.app_passwords.push(password.to_owned());
        self
    }

    /// Denies the application with this slug.
    #[must_use]
    pub fn denied(mut self, slug: &str) -> Self {
        self.denied.push(slug.to_owned());
        self
    }

    /// The `sub` claim of this user's tokens: stable, the same in every provider.
    pub fn sub(&self) -> String {
        crypto::sha256_hex(format!("user {}", self.username).as_bytes())
    }
}
