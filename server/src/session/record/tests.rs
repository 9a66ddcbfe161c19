use secrecy::ExposeSecret;

use super::*;
use crate::session::contract::{id, secret, session};

fn record() -> Record {
    session(7, "alice", Some("sid"), Timestamp(1000)).seal(&id(1), &secret(), Timestamp(5)).unwrap()
}

/// As a store gives it back: from bytes alone.
fn read(record: &Record) -> Result<Record, RecordError> {
    Record::read(record.clear.clone(), record.sealed.clone(), record.generation, record.seen)
}

#[test]
fn what_was_sealed_is_read_and_opens_with_its_cookie_alone() {
    let sealed = record();
    let read = read(&sealed).unwrap();
    assert_eq!(read, sealed);
    let opened = read.open(&id(1), &secret()).unwrap();
    assert_eq!(opened.about, session(7, "alice", Some("sid"), Timestamp(1000)).about);
    assert_eq!(*opened.claims.groups, ["a", "b|c"].map(Box::<str>::from));
    assert_eq!(opened.refresh_token.unwrap().expose_secret(), "refresh");
    assert_eq!(read.open(&id(2), &secret()).unwrap_err(), RecordError::Sealed);
    let other = SealSecret::of("another");
    assert_eq!(read.open(&id(1), &other).unwrap_err(), RecordError::Sealed, "the cookie alone");
}

#[test]
fn a_store_that_is_read_by_others_tells_no_token_and_no_claim() {
    let record = record();
    for bytes in [&record.clear, &record.sealed] {
        let text = String::from_utf8_lossy(bytes);
        for secret in ["header.payload.signature", "refresh", "Ällice", "b|c"] {
            assert!(!text.contains(secret), "{secret}");
        }
        assert!(!bytes.windows(32).any(|window| window == id(1).secret_bytes()));
    }
    assert!(String::from_utf8_lossy(&record.clear).contains("alice-name"), "operators see who");
    assert!(record.clear.starts_with(AS_WRITTEN), "whoever reads need not look for the version");
}

#[test]
fn every_changed_byte_is_noticed() {
    let record = record();
    for at in 0..record.sealed.len() {
        let mut sealed = record.sealed.to_vec();
        sealed[at] ^= 1;
        let forged = Record { sealed: sealed.into(), ..record.clone() };
        assert!(forged.open(&id(1), &secret()).is_err(), "{at}");
    }
    for at in 0..record.clear.len() {
        let mut clear = record.clear.to_vec();
        clear[at] ^= 1;
        let forged = Record { clear: clear.into(), ..record.clone() };
        assert_eq!(forged.open(&id(1), &secret()).unwrap_err(), RecordError::Sealed, "{at}");
    }
    for length in 0..record.sealed.len() {
        let forged = Record { sealed: record.sealed.slice(..length), ..record.clone() };
        assert!(forged.open(&id(1), &secret()).is_err(), "{length}");
    }
}

#[test]
fn a_field_of_a_newer_version_is_no_reason_to_sign_anybody_out() {
    let sealed = record();
    let text = String::from_utf8(sealed.clear.to_vec()).unwrap();
    let newer = text.replacen('{', r#"{"new":{"deep":[1]},"#, 1);
    let record = Record { clear: newer.into_bytes().into(), ..sealed };
    assert_eq!(read(&record).unwrap().about, record.about);
}

#[test]
fn what_no_version_writes_is_no_record() {
    let whole = record();
    for clear in ["", "{}", "[]", "null", "{\"v\":1}", "\u{0}"] {
        let record = Record { clear: clear.as_bytes().to_vec().into(), ..whole.clone() };
        assert_eq!(read(&record), Err(RecordError::Clear), "{clear}");
    }
    let text = String::from_utf8(whole.clear.to_vec()).unwrap();
    let other = text.replace("\"v\":1", "\"v\":2");
    assert_ne!(text, other);
    let record = Record { clear: other.into_bytes().into(), ..whole };
    assert_eq!(read(&record), Err(RecordError::Clear));
}

/// Allocators give memory in steps: beyond this one, each session at hand would take 128 bytes more.
#[test]
fn a_session_fits_into_384_bytes_with_the_counts_of_who_holds_it() {
    let counts = 2 * size_of::<usize>();
    assert!(size_of::<Session>() + counts <= 384, "{}", size_of::<Session>());
}
