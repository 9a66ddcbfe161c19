//! Writing files.

use std::fs;

use outpost_tests::folder::Folder;

use super::support::{fine, one_provider, render_from};

#[test]
fn files_are_what_is_printed_and_are_not_written_over_unasked() {
    let saved = one_provider();
    let folder = Folder::new();
    let deep = folder.path().join("made/for/it");
    let into = ["nginx", "--output", deep.to_str().unwrap()];
    let told = fine(render_from(&saved, &into));
    let written = told.trim_end();
    let text = fs::read_to_string(written).unwrap();
    assert_eq!(text, fine(render_from(&saved, &["nginx"])));

    fs::write(written, "mine").unwrap();
    let refused = render_from(&saved, &into);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    assert!(refused.err.contains("is there already"), "{}", refused.err);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(fs::read_to_string(written).unwrap(), "mine");

    assert_eq!(fine(render_from(&saved, &[&into[..], &["--force"]].concat())), told);
    assert_eq!(fs::read_to_string(written).unwrap(), text);
}

#[test]
fn where_one_file_of_several_is_there_none_is_written() {
    let saved = one_provider();
    let folder = Folder::new();
    let into = ["kubernetes", "--output", folder.path().to_str().unwrap()];
    let told = fine(render_from(&saved, &into));
    let files: Vec<&str> = told.lines().collect();
    assert!(files.len() > 1, "{told}");
    let (last, others) = files.split_last().unwrap();
    for other in others {
        fs::remove_file(other).unwrap();
    }
    let refused = render_from(&saved, &into);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains(last), "{}", refused.err);
    assert!(others.iter().all(|other| !fs::exists(other).unwrap()), "{told}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let said = render_from(&one_provider(), &["nginx", "--output", "/dev/null/folder"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("/dev/null/folder"), "{}", said.err);
}
