//! What is asked about conversations of before: lists, searches, glances.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    domain::SessionId,
    render::{Icons, Scene},
    session::{Agent, Glance, Place, Query, Reader},
};

#[derive(Debug, Deserialize)]
pub struct Journals {
    #[serde(default)]
    cwd: PathBuf,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    pub after: Option<(i64, SessionId)>,
}

impl Journals {
    /// The project that is asked about; `None` for all.
    pub fn around(&self, method: &str) -> Result<Option<PathBuf>, String> {
        around(method, &self.cwd, self.all)
    }
}

fn around(method: &str, cwd: &Path, all: bool) -> Result<Option<PathBuf>, String> {
    match all {
        true => Ok(None),
        false if cwd.is_absolute() => Ok(Some(cwd.to_owned())),
        false => Err(format!("{method}: cwd must be an absolute path, not \"{}\"", cwd.display())),
    }
}

#[derive(Debug, Deserialize)]
pub struct Earlier {
    #[serde(default)]
    cwd: PathBuf,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    text: String,
    #[serde(default)]
    after: Option<Place>,
    #[serde(default)]
    agents: Vec<Agent>,
    #[serde(default)]
    environ: BTreeMap<String, String>,
}

impl Earlier {
    pub fn query(self) -> Result<Query, String> {
        let around = around("earlier", &self.cwd, self.all)?;
        let Self { text, after, agents, environ, .. } = self;
        Ok(Query { around, text, after, agents, environ, ..Query::default() })
    }
}

#[derive(Debug, Deserialize)]
pub struct Preview {
    /// Where it is kept, absolute.
    path: PathBuf,
    /// Of the agent that keeps it; none for a journal of ours.
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    at: Option<u64>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    width: usize,
}

impl Preview {
    pub fn glance(self, icons: Icons) -> Result<Glance, String> {
        let Self { path, protocol, at, text, width } = self;
        let reader = match protocol.as_str() {
            "" => Reader::Journal,
            protocol => Reader::of_protocol(protocol)
                .ok_or_else(|| format!("preview: agents that speak {protocol} keep nothing that can be read"))?,
        };
        Ok(Glance { path, reader, at, text, scene: Scene { icons, width, ..Scene::default() } })
    }
}
