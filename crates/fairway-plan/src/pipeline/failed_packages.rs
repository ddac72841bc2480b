//! Why packages did not come, from what pip or npm printed: another hash, no credentials, no answer.

/// No name of a package or host is longer.
const MOST: usize = 120;
/// What pip says before it names the packages.
const PIP_HASHES: &str = "THESE PACKAGES DO NOT MATCH THE HASHES";
const NPM: [&str; 2] = ["npm error ", "npm ERR! "];
const NO_ANSWER: [&str; 6] = ["ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT", "ECONNRESET", "ENETUNREACH"];

/// The reason that a log shows, as a sentence without its end.
pub fn why(log: &str) -> Option<String> {
    let lines: Vec<String> = log.lines().map(super::failed_test::plain).collect();
    pip(&lines).or_else(|| npm(&lines))
}

fn pip(lines: &[String]) -> Option<String> {
    if let Some(place) = lines.iter().position(|it| it.contains(PIP_HASHES)) {
        let named = lines[place + 1..].iter().find_map(|it| it.trim().split_once(" from "));
        let package = named.map_or("a package", |it| it.0);
        return Some(format!(
            "package {} is not the one of the lock file: its hash differs; renew the lock file, or find out who changed it",
            cut(package)
        ));
    }
    let wanting = |it: &&String| it.contains("Hashes are required in --require-hashes mode");
    if lines.iter().any(|it| wanting(&it)) {
        return Some("the lock file has a package without a hash; renew it as README.md says".to_owned());
    }
    let credentials = lines.iter().find(|it| {
        it.contains("401 Error, Credentials not correct")
            || it.contains("401 Client Error")
            || it.contains("403 Client Error")
    });
    if let Some(line) = credentials {
        return Some(refused(&host(line)));
    }
    let missing = lines.iter().find_map(|it| it.split_once("No matching distribution found for "))?;
    let package = cut(missing.1.split_whitespace().next().unwrap_or_default());
    let retried = lines.iter().any(|it| it.contains("Retrying (Retry(") || it.contains("connection error"));
    Some(if retried {
        format!("package {package} cannot be fetched: the package index does not answer, and no copy of it is kept")
    } else {
        format!("there is no package {package} for this system and this version of Python")
    })
}

fn npm(lines: &[String]) -> Option<String> {
    let said: Vec<&str> = lines.iter().filter_map(|it| NPM.iter().find_map(|start| it.strip_prefix(start))).collect();
    let code = said.iter().find_map(|it| it.strip_prefix("code "))?.trim();
    let url = said.iter().find(|it| it.contains("://")).copied().unwrap_or_default();
    match code {
        "EINTEGRITY" => Some(
            "a package is not the one of package-lock.json: its hash differs; renew the lock file, or find out who changed it"
                .to_owned(),
        ),
        "E401" | "E403" | "ENEEDAUTH" => Some(refused(&host(url))),
        "ENOTCACHED" => Some("a package is not kept, and the network is not to be used".to_owned()),
        code if NO_ANSWER.contains(&code) => {
            Some("packages cannot be fetched: the package index does not answer, and no copy of them is kept".to_owned())
        }
        _ => None,
    }
}

fn refused(host: &str) -> String {
    format!("the package index{host} refuses: it wants a name and a password, and none that it knows were given")
}

/// The host of the first URL of a line, after a space. Nothing else of a URL is shown: there may be a password in it.
fn host(line: &str) -> String {
    let Some((_, rest)) = line.split_once("://") else { return String::new() };
    let authority = rest.split(['/', ' ', '?', '#', '\'', '"']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() { String::new() } else { format!(" {}", cut(host)) }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST)]
}

#[cfg(test)]
mod tests;
