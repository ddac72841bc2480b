//! `git-credential`: tells git the token, for the platform's own address and no other.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::git_access::address;
use crate::home::Home;

/// What git asks at most.
const QUESTION: u64 = 64 << 10;

/// Tell git who you are: how git asks the platform's command line
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct GitCredential {
    /// The platform's folder
    #[arg(long, value_name = "FOLDER")]
    pub home: Option<PathBuf>,
    /// get; store and erase do nothing
    #[arg(value_name = "OPERATION")]
    pub operation: String,
}

/// Answers the question on standard input; the answer is empty where it is none of our business.
pub fn git_credential(asked: &GitCredential) -> Result<String, Failure> {
    let mut question = String::new();
    let read = std::io::stdin().lock().take(QUESTION).read_to_string(&mut question);
    read.map_err(Failure::io("read what git asks"))?;
    if asked.operation != "get" {
        return Ok(String::new());
    }
    let home = match &asked.home {
        Some(folder) => Home::new(folder),
        None => Home::from_environment()?,
    };
    let Some(running) = home.running() else { return Ok(String::new()) };
    if !is_about(&question, &address(running.api_port)) {
        return Ok(String::new());
    }
    let path = home.path("admin.token");
    let token = fs::read_to_string(&path).map_err(Failure::io(format!("read {}", path.display())))?;
    Ok(format!("username=local\npassword={}\n", token.trim()))
}

/// Whether git asks about exactly this address.
fn is_about(question: &str, address: &str) -> bool {
    let value = |name: &str| {
        question.lines().take_while(|it| !it.is_empty()).filter_map(|it| it.split_once('=')).find(|it| it.0 == name)
    };
    let (Some((_, protocol)), Some((_, host))) = (value("protocol"), value("host")) else { return false };
    format!("{protocol}://{host}") == address
}

#[cfg(test)]
mod tests;
