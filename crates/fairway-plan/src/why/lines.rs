//! What stands in a printed line. Nothing here knows what it means.

/// Whether a line says one of these, in whatever case.
pub(super) fn says(line: &str, phrases: &[&str]) -> bool {
    let line = line.to_ascii_lowercase();
    phrases.iter().any(|it| line.contains(it))
}

/// What stands after `before`; up to `after`, or where that is empty, to the end of the word.
pub(super) fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let lower = line.to_ascii_lowercase();
    let start = lower.find(&before.to_ascii_lowercase())? + before.len();
    let rest = line.get(start..)?;
    let end =
        if after.is_empty() { rest.find(|it: char| !is_of_word(it)).unwrap_or(rest.len()) } else { rest.find(after)? };
    let found = rest[..end].trim_end_matches(['.', ':', ',']);
    (!found.is_empty()).then_some(found)
}

/// The first of several patterns (before, after) that fits.
pub(super) fn first_between<'a>(line: &'a str, patterns: &[(&str, &str)]) -> Option<&'a str> {
    patterns.iter().find_map(|(before, after)| between(line, before, after))
}

/// Letters, digits and what stands in names, hosts and addresses.
fn is_of_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.')
}

/// Its words: names, hosts, numbers.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|it| !is_of_word(it)).map(|it| it.trim_matches(['.', '-'])).filter(|it| !it.is_empty())
}

/// Where a line says that something listens: the host, if it names one, and the port.
pub(super) fn listens(line: &str) -> Option<(Option<&str>, u16)> {
    const SAYS: [&str; 10] = [
        "listen",
        "serving",
        "running on",
        "running at",
        "started on",
        "started at",
        "bound to",
        "ready on",
        "server on",
        "available at",
    ];
    if !says(line, &SAYS) || says(line, &["refused", "failed", "cannot", "error", "already in use"]) {
        return None;
    }
    let mut found = None;
    for (at, _) in line.match_indices(':') {
        let digits = leading_number(&line[at + 1..]);
        let host = line[..at].rsplit(|it: char| !is_of_word(it) && it != '*').next().filter(|it| is_host(it));
        if let Some(port) = digits.filter(|_| host.is_some()) {
            found = Some((host, port));
        }
    }
    found.or_else(|| {
        // `port 8080`, `port=8080`, `"port":8080`.
        let lower = line.to_ascii_lowercase();
        let mut after = lower.match_indices("port").map(|(at, word)| &line[at + word.len()..]);
        after.find_map(|it| leading_number(it.trim_start_matches(['"', ':', '=', ' ']))).map(|port| (None, port))
    })
}

/// An address, or a name that is one: not an hour before its minutes.
fn is_host(word: &str) -> bool {
    word.is_empty() || word == "*" || word == "localhost" || word.parse::<std::net::Ipv4Addr>().is_ok()
}

fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    // `:30:05` or `:80a` is something else than a port.
    let mut next = text[end..].chars();
    let ends = match next.next() {
        None => true,
        Some(':') => next.next().is_none_or(|it| !it.is_ascii_digit()),
        Some(other) => !other.is_ascii_alphanumeric(),
    };
    text[..end].parse().ok().filter(|it| *it != 0 && ends)
}

/// Addresses with a port in a line: `10.96.0.12:5432`, `db:5432`, and libpq's `"db" (10.96.0.12), port 5432`.
pub(super) fn called(line: &str) -> Option<(&str, u16)> {
    if let Some((host, rest)) = line.split_once("), port ")
        && let Some(port) = leading_number(rest)
    {
        let named = between(host, "server at \"", "\"").or_else(|| host.rsplit('(').next());
        return named.map(|it| (it, port));
    }
    if let Some(host) = between(line, "server at \"", "\"")
        && let Some(port) = between(line, ", port ", "").and_then(leading_number)
    {
        return Some((host, port));
    }
    if let Some(host) = between(line, "to host ", "")
        && let Some(port) = between(line, "port ", "").and_then(leading_number)
    {
        return Some((host, port));
    }
    let mut found = None;
    for (at, _) in line.match_indices(':') {
        let host = line[..at].rsplit(|it: char| !is_of_word(it)).next().filter(|it| is_name(it));
        if let (Some(host), Some(port)) = (host, leading_number(&line[at + 1..])) {
            found = found.or(Some((host, port)));
        }
    }
    found
}

/// A host by its name or address; `12` of `12:30` is none.
fn is_name(word: &str) -> bool {
    !word.is_empty()
        && (word.contains(|it: char| it.is_ascii_alphabetic()) || word.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests;
