//! The layers of settings and what each says: compiled default, file, `OUTPOST__*`, `AUTHENTIK_*`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use toml::Table;

use super::mistake::{Mistake, nearest};

/// Every setting, its default and its meaning.
pub const DEFAULT: &str = include_str!("../../../config/default.toml");

/// The file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "/etc/outpost/outpost.toml";

const PREFIX: &str = "OUTPOST__";

/// Variables of the stock outpost (contract 2) and the keys they set.
pub const CONTRACT_VARIABLES: [(&str, &str); 15] = [
    ("AUTHENTIK_HOST", "core.host"),
    ("AUTHENTIK_TOKEN", "core.token"),
    ("AUTHENTIK_SECRET_KEY", "embedded.secret_key"),
    ("AUTHENTIK_INSECURE", "core.insecure"),
    ("AUTHENTIK_HOST_BROWSER", "core.host_browser"),
    ("AUTHENTIK_LISTEN__HTTP", "listen.http"),
    ("AUTHENTIK_LISTEN__HTTPS", "listen.https"),
    ("AUTHENTIK_LISTEN__METRICS", "listen.metrics"),
    ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "listen.trusted_proxy_cidrs"),
    ("AUTHENTIK_LOG_LEVEL", "log.level"),
    ("AUTHENTIK_LOG__HTTP_HEADERS", "log.http_headers"),
    ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "web.read_header_timeout"),
    ("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "web.read_timeout"),
    ("AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE", "web.write_timeout"),
    ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "web.idle_timeout"),
];

/// Environment variables by name.
pub type Environment = BTreeMap<String, String>;

/// Where settings come from, besides the compiled default.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file that must be there.
    pub file: Option<PathBuf>,
    /// A file that is read if it is there and `file` is not set.
    pub optional_file: Option<PathBuf>,
    /// The environment.
    pub environment: Environment,
    /// Whether core's address and the token may be missing, for what asks core nothing: stand-ins
    /// take their place.
    pub without_core: bool,
}

impl Sources {
    /// The process's own environment and [`DEFAULT_FILE`]; `file` in its place if given. Variables
    /// that are not UTF-8 are left out: none of ours can be.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let optional_file = Some(DEFAULT_FILE.into());
        Self { file, optional_file, environment, without_core: false }
    }
}

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(String),
    Variable(String),
}

impl Origin {
    fn encode(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File(path) => Some(format!("file {path}")),
            Self::Variable(name) => Some(format!("variable {name}")),
        }
    }

    pub(super) fn of(value: &Value) -> Self {
        match value.origin().and_then(|origin| origin.split_once(' ')) {
            Some(("file", path)) => Self::File(path.to_owned()),
            Some(("variable", name)) => Self::Variable(name.to_owned()),
            _ => Self::Default,
        }
    }
}

/// All layers merged.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Values in effect, by dotted key.
    pub(super) values: BTreeMap<String, Value>,
    /// The compiled defaults, by dotted key.
    pub(super) defaults: BTreeMap<String, toml::Value>,
    /// What is wrong so far.
    pub(super) mistakes: Vec<Mistake>,
    /// Names of `AUTHENTIK_*` variables that mean nothing to us.
    pub(super) foreign: Vec<String>,
}

/// Reads and merges all layers.
pub(super) fn merge(sources: &Sources) -> Layers {
    let mut layers = Layers::default();
    let default: Table = match toml::from_str(DEFAULT) {
        Ok(table) => table,
        Err(error) => {
            layers.mistake("config/default.toml", error.message());
            return layers;
        }
    };
    flatten("", default, &mut layers.defaults);
    let default = Layer::new(&Origin::Default, layers.defaults.clone());
    let stand_ins = if sources.without_core { stand_ins() } else { Layer::default() };
    let file = layers.file(sources);
    let own = layers.own_variables(&sources.environment);
    let contract = layers.contract_variables(&sources.environment);
    match collect([default, stand_ins, file].into_iter().chain(own).chain(contract)) {
        Ok(values) => layers.values = values,
        Err(error) => layers.mistake("settings", &error.to_string()),
    }
    layers
}

impl Layers {
    fn mistake(&mut self, place: &str, problem: &str) {
        self.mistakes.push(Mistake {
            place: place.to_owned(),
            problem: problem.to_owned(),
            example: String::new(),
        });
    }

    fn file(&mut self, sources: &Sources) -> Layer {
        let (path, required) = match (&sources.file, &sources.optional_file) {
            (Some(path), _) => (path.as_path(), true),
            (None, Some(path)) => (path.as_path(), false),
            (None, None) => return Layer::default(),
        };
        let shown = path.display().to_string();
        match read(path) {
            Ok(text) => match toml::from_str::<Table>(&text) {
                Ok(table) => self.known_of_file(&shown, table),
                Err(error) => {
                    let line = error.span().map_or(1, |span| {
                        text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
                    });
                    // Not the error's own text: it quotes the line, which may hold a secret.
                    self.mistake(
                        &format!("{shown} line {line}"),
                        &format!("is not TOML: {}", error.message()),
                    );
                    Layer::default()
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound && !required => Layer::default(),
            Err(error) => {
                self.mistake(&shown, &format!("cannot be read: {error}"));
                Layer::default()
            }
        }
    }

    fn known_of_file(&mut self, path: &str, table: Table) -> Layer {
        let mut values = BTreeMap::new();
        flatten("", table, &mut values);
        let sections: BTreeSet<&str> =
            self.defaults.keys().filter_map(|key| key.split_once('.')).map(|(at, _)| at).collect();
        let mut unknown = Vec::new();
        for key in values.keys().filter(|key| !self.defaults.contains_key(*key)) {
            let hint = if sections.contains(key.as_str()) {
                format!("is a section, write [{key}]")
            } else {
                match nearest(key, self.defaults.keys().map(String::as_str)) {
                    Some(near) => format!("is not a setting; did you mean {near}?"),
                    None => "is not a setting".to_owned(),
                }
            };
            unknown.push((format!("{key} in {path}"), hint));
        }
        for (place, problem) in unknown {
            self.mistake(&place, &problem);
        }
        values.retain(|key, _| self.defaults.contains_key(key));
        Layer::new(&Origin::File(path.to_owned()), values)
    }

    fn own_variables(&mut self, environment: &Environment) -> Vec<Layer> {
        let mut layers = Vec::new();
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            let key = self.defaults.keys().find(|key| variable(key) == *name).cloned();
            match key {
                Some(_) if value.is_empty() => {}
                Some(key) => layers.push(Layer::text(name, key, value)),
                None => {
                    let known: Vec<String> =
                        self.defaults.keys().map(|key| variable(key)).collect();
                    let problem = match nearest(name, known.iter().map(String::as_str)) {
                        Some(near) => format!("is not a setting; did you mean {near}?"),
                        None => "is not a setting".to_owned(),
                    };
                    self.mistake(name, &problem);
                }
            }
        }
        layers
    }

    fn contract_variables(&mut self, environment: &Environment) -> Vec<Layer> {
        let mut layers = Vec::new();
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("AUTHENTIK_")) {
            match CONTRACT_VARIABLES.iter().find(|(variable, _)| variable == name) {
                Some(_) if value.is_empty() => {}
                Some((_, key)) => layers.push(Layer::text(name, (*key).to_owned(), value)),
                // A .env file shared with core holds many that are none of our business.
                None => self.foreign.push(name.clone()),
            }
        }
        layers
    }
}

/// What takes the place of core's address and of the token where nobody asks core.
fn stand_ins() -> Layer {
    let values = [("core.host", "http://core.invalid"), ("core.token", "none")];
    let values = values.map(|(key, value)| (key.to_owned(), toml::Value::from(value)));
    Layer::new(&Origin::Default, values.into())
}

/// The `OUTPOST__*` variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// The variable that an operator would rather hear of: the contract's, where there is one.
pub(super) fn customary_variable(key: &str) -> String {
    CONTRACT_VARIABLES
        .iter()
        .find(|(_, contract)| *contract == key)
        .map_or_else(|| variable(key), |(name, _)| (*name).to_owned())
}

/// Reads a text file of at most one megabyte: settings and secrets, nothing larger.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(1 << 20);
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn flatten(prefix: &str, table: Table, into: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, into),
            value => {
                into.insert(key, value);
            }
        }
    }
}

fn collect(layers: impl Iterator<Item = Layer>) -> Result<BTreeMap<String, Value>, ConfigError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let mut values = BTreeMap::new();
    for (section, value) in builder.build()?.collect()? {
        for (key, value) in value.into_table()? {
            values.insert(format!("{section}.{key}"), value);
        }
    }
    Ok(values)
}

/// One layer: known keys only, each with its origin.
#[derive(Clone, Debug, Default)]
struct Layer(Vec<(String, Value)>);

impl Layer {
    fn new(origin: &Origin, values: BTreeMap<String, toml::Value>) -> Self {
        let origin = origin.encode();
        Self(
            values
                .into_iter()
                .map(|(key, value)| (key, Value::new(origin.as_ref(), kind(value))))
                .collect(),
        )
    }

    fn text(variable: &str, key: String, value: &str) -> Self {
        let origin = Origin::Variable(variable.to_owned()).encode();
        Self(vec![(key, Value::new(origin.as_ref(), value))])
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.iter().cloned().collect())
    }
}

fn kind(value: toml::Value) -> ValueKind {
    match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(switch) => ValueKind::Boolean(switch),
        toml::Value::Datetime(moment) => ValueKind::String(moment.to_string()),
        toml::Value::Array(list) => {
            ValueKind::Array(list.into_iter().map(|item| Value::new(None, kind(item))).collect())
        }
        toml::Value::Table(table) => ValueKind::Table(
            table.into_iter().map(|(key, item)| (key, Value::new(None, kind(item)))).collect(),
        ),
    }
}
