//! Configuration to paste into what stands in front of the outpost, for one provider.

use outpost_dashboard::model::{Snippet, SnippetFile};
use outpost_decision::headers::IdentityRule;
use outpost_decision::provider::Provider;
use outpost_render::{Application, Input, Outpost, Site, Target, render};

use crate::snapshot::OutpostIdentity;

/// Of every target that stands in front of applications.
pub(super) fn snippets(
    provider: &Provider,
    rule: IdentityRule,
    outpost: &OutpostIdentity,
    site: &Site,
) -> Vec<Snippet> {
    let outpost = Outpost {
        uuid: outpost.uuid.clone(),
        name: outpost.name.clone(),
        config: outpost.options.clone(),
    };
    let applications = vec![Application::new(provider, rule)];
    let input = Input { outpost, applications, site: site.clone() };
    let targets = Target::ALL.into_iter().filter(|target| target.is_for_applications());
    targets.map(|target| snippet(target, &input)).collect()
}

fn snippet(target: Target, input: &Input) -> Snippet {
    let (files, problem) = match render(target, input) {
        Ok(rendered) => (rendered.files, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let file =
        |file: outpost_render::File| SnippetFile { name: file.name.to_owned(), text: file.text };
    Snippet {
        target: target.code().to_owned(),
        about: target.about().to_owned(),
        files: files.into_iter().map(file).collect(),
        problem,
    }
}
