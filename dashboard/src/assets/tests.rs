use std::collections::HashMap;

use super::*;

/// The colours of one scheme, by name.
type Colours = HashMap<&'static str, [f64; 3]>;

/// Light and dark, as `css/base.css` says them.
fn schemes() -> [Colours; 2] {
    let css = include_str!("css/base.css");
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (dark, _) = rest.split_once("*,").unwrap();
    [colours(light), colours(dark)]
}

fn colours(css: &'static str) -> Colours {
    let lines = css.lines().filter_map(|line| line.trim().strip_prefix("--"));
    lines
        .filter_map(|line| line.trim_end_matches(';').split_once(": #"))
        .map(|(name, hex)| {
            let wide: String = match hex.len() {
                3 => hex.chars().flat_map(|digit| [digit, digit]).collect(),
                _ => hex.to_owned(),
            };
            let part = |at: usize| f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap());
            (name, [part(0), part(2), part(4)])
        })
        .collect()
}

/// WCAG 2.2, "contrast ratio" and "relative luminance".
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [red, green, blue] = colour.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_reckoned_as_wcag_does() {
    assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([119.0; 3], [255.0; 3]) - 4.478).abs() < 1e-3);
}

#[test]
fn texts_and_shapes_can_be_told_from_what_they_stand_on() {
    let texts = [
        ("text", &["ground", "card", "sunk", "accent-back"][..]),
        ("soft", &["ground", "card", "sunk"]),
        ("link", &["ground", "card", "sunk", "accent-back"]),
        ("good", &["ground", "card", "good-back"]),
        ("plain", &["ground", "card", "plain-back"]),
        ("odd", &["ground", "card", "odd-back"]),
        ("bad", &["ground", "card", "bad-back"]),
        ("on-accent", &["accent"]),
    ];
    let shapes = [
        ("edge", &["ground", "card"][..]),
        ("accent", &["ground", "card", "sunk"]),
        ("chart-allowed", &["card", "sunk"]),
        ("chart-sign-in", &["card", "sunk"]),
        ("chart-denied", &["card", "sunk"]),
        ("chart-failed", &["card", "sunk"]),
    ];
    for (scheme, colours) in ["light", "dark"].into_iter().zip(schemes()) {
        for (least, pairs) in [(4.5, &texts[..]), (3.0, &shapes[..])] {
            for (front, grounds) in pairs {
                for ground in *grounds {
                    let ratio = contrast(colours[front], colours[ground]);
                    assert!(ratio >= least, "{scheme}: {front} on {ground} is {ratio:.2} to 1");
                }
            }
        }
    }
}

#[test]
fn both_schemes_name_the_same_colours() {
    let [light, dark] = schemes();
    let mut names = [light, dark].map(|colours| colours.into_keys().collect::<Vec<_>>());
    names.iter_mut().for_each(|names| names.sort_unstable());
    assert_eq!(names[0], names[1]);
    assert!(names[0].len() > 20, "{names:?}");
}

#[test]
fn assets_ask_for_nothing_from_elsewhere() {
    for Asset { path, body, .. } in ALL {
        // A name of a vocabulary, not an address.
        let body = body.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for forbidden in ["@import", "url(", "http://", "https://", "//cdn"] {
            assert!(!body.contains(forbidden), "{forbidden} in {path}");
        }
        assert_eq!(body.matches('{').count(), body.matches('}').count(), "{path}");
    }
}
