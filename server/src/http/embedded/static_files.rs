//! Core's static files from a folder.

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};
use outpost_decision::path::{PathView, view};

/// A folder with `static/`, `media/` and `help/`.
#[derive(Clone, Debug)]
pub struct StaticFiles(PathBuf);

/// A file of them.
#[derive(Debug)]
pub struct StaticFile {
    file: NamedFile,
    is_upload: bool,
}

impl StaticFiles {
    /// The files in `folder`, links followed as long as they lead to places within it.
    ///
    /// # Errors
    /// When the folder is not there.
    pub fn new(folder: &Path) -> std::io::Result<Self> {
        folder.canonicalize().map(Self)
    }

    /// The file that a raw path names; `None` where there is none, or it is nobody's business.
    pub async fn open(&self, raw_path: &str) -> Option<StaticFile> {
        let wanted = relative(raw_path)?;
        let root = self.0.clone();
        let is_upload = wanted.starts_with("media");
        // Looking at disks takes its time.
        let file = web::block(move || {
            let file = root.join(wanted).canonicalize().ok()?;
            (file.starts_with(&root) && file.is_file()).then(|| NamedFile::open(file).ok())?
        });
        let file = file.await.ok().flatten()?.disable_content_disposition();
        Some(StaticFile { file, is_upload })
    }
}

impl StaticFile {
    /// The answer, with ranges and conditions as RFC 9110 has them.
    #[must_use]
    pub fn answer(self, request: &HttpRequest) -> HttpResponse {
        let mut response = self.file.into_response(request);
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-transform"));
        if self.is_upload {
            // People have uploaded them, and a picture may hold scripts.
            headers.insert(
                CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
            );
        }
        response
    }
}

/// The path below the folder: one that reads in one way, and names nothing hidden.
fn relative(raw_path: &str) -> Option<PathBuf> {
    let PathView::Plain(path) = view(raw_path) else { return None };
    let segments = path.strip_prefix('/')?.split('/');
    let mut wanted = PathBuf::new();
    for segment in segments {
        if segment.is_empty() || segment.starts_with('.') || segment.contains(['\\', ':']) {
            return None;
        }
        wanted.push(segment);
    }
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_file() {
        for (raw, expected) in [
            ("/static/dist/a.css", Some("static/dist/a.css")),
            ("/media/caf%C3%A9.png", Some("media/café.png")),
            ("/static", Some("static")),
            ("/static/", None),
            ("/static/.git/config", None),
            ("/static/../x", None),
            ("/static/%2e%2e/x", None),
            ("/static//x", None),
            ("/static/c:/x", None),
            ("/static/%00", None),
        ] {
            assert_eq!(relative(raw).as_deref(), expected.map(Path::new), "{raw}");
        }
    }
}
