//! Takes out of a line what nobody should read in it: values of Secrets, and what stands where passwords stand.

/// What stands in their place.
const HIDDEN: &str = "[hidden]";
/// A shorter value would take words out of every line, and guards nothing.
const SHORTEST: usize = 4;
/// A longer line is cut: evidence is read by people.
const MOST: usize = 400;
/// Words before `=` or `:` whose value is nobody's business.
const SECRET_WORDS: [&str; 10] =
    ["password", "passwd", "pwd", "passphrase", "secret", "token", "api_key", "apikey", "access_key", "authorization"];
/// What is said in the place of a value that is not there: the name is what people need to know then.
const ABSENT: [&str; 11] = [
    "not set",
    "not defined",
    "not found",
    "must be",
    "is required",
    "is missing",
    "is not",
    "missing",
    "environment variable",
    "unbound variable",
    "parameter not set",
];
/// What stands before the value in the header of a request.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Knows values that must not be shown.
#[derive(Clone, Default)]
pub struct Scrub {
    values: Vec<String>,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrub({} values)", self.values.len())
    }
}

impl Scrub {
    /// Hides these values wherever they stand.
    pub fn of(values: impl IntoIterator<Item = String>) -> Self {
        let mut values: Vec<String> = values.into_iter().filter(|it| it.len() >= SHORTEST).collect();
        // What contains another goes first.
        values.sort_by_key(|it| (std::cmp::Reverse(it.len()), it.clone()));
        values.dedup();
        Self { values }
    }

    /// A line without values of Secrets, passwords of URLs, `password=…`, and control characters; cut where it is long.
    pub fn line(&self, line: &str) -> String {
        let mut line: String = line.chars().filter(|it| !it.is_control() || *it == '\t').collect();
        for value in &self.values {
            if line.contains(value.as_str()) {
                line = line.replace(value.as_str(), HIDDEN);
            }
        }
        let mut line = assignments(&url_passwords(&line));
        if line.chars().count() > MOST {
            line = line.chars().take(MOST).chain(['…']).collect();
        }
        line
    }
}

/// `scheme://user:password@host` without its password.
fn url_passwords(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|it: char| it.is_whitespace() || "/?#\"'<>".contains(it)).unwrap_or(after.len());
        // A password may have an `@` itself: the last one begins the host.
        let authority = &after[..end];
        if let Some((user, host)) = authority.rsplit_once('@') {
            let name = user.split(':').next().unwrap_or_default();
            out.push_str(name);
            if user.len() > name.len() {
                out.extend([":", HIDDEN]);
            }
            out.extend(["@", host]);
        } else {
            out.push_str(authority);
        }
        rest = &after[end..];
    }
    out + rest
}

/// `password=…`, `"token": "…"` without their values.
fn assignments(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut out = String::with_capacity(line.len());
    let mut done = 0;
    let mut from = 0;
    while let Some((at, word)) = SECRET_WORDS.iter().filter_map(|it| Some((lower[from..].find(it)? + from, *it))).min()
    {
        from = at + word.len();
        if at < done {
            continue;
        }
        let Some((start, end)) = value_after(&line[from..]).map(|(start, end)| (from + start, from + end)) else {
            continue;
        };
        out.push_str(&line[done..start]);
        out.push_str(HIDDEN);
        (done, from) = (end, end);
    }
    out + &line[done..]
}

/// Where the value stands that is assigned right here: after `=` or `:`, perhaps in quotes.
fn value_after(text: &str) -> Option<(usize, usize)> {
    // The word may begin a name: `SECRET_KEY=`, `tokenValue:`.
    let name = text.find(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))).unwrap_or(text.len());
    let sign = text[name..].find(['=', ':']).map(|at| name + at);
    let sign = sign.filter(|at| text[name..*at].chars().all(|it| "\"' ".contains(it)))?;
    // `password: ` in prose and `password=`: only a colon that assigns stands before a quote or in `KEY: value`.
    let after = &text[sign + 1..];
    let start = after.find(|it: char| !it.is_whitespace())?;
    if ABSENT.iter().any(|it| begins_with(&after[start..], it)) {
        return None;
    }
    let quote = after[start..].chars().next().filter(|it| matches!(it, '"' | '\''));
    let begin = sign + 1 + start + quote.map_or(0, char::len_utf8);
    let is_scheme = |it: &&&str| begins_with(&text[begin..], it) && text[begin + it.len()..].starts_with(' ');
    let begin = begin + SCHEMES.iter().find(is_scheme).map_or(0, |it| it.len() + 1);
    let value = &text[begin..];
    let end = match quote {
        Some(quote) => value.find(quote).unwrap_or(value.len()),
        None => value.find(|it: char| it.is_whitespace() || ",;&)}".contains(it)).unwrap_or(value.len()),
    };
    (end > 0).then_some((begin, begin + end))
}

/// Whether a text begins with these words, in whatever case, and they end there.
fn begins_with(text: &str, words: &str) -> bool {
    let begins = text.get(..words.len()).is_some_and(|it| it.eq_ignore_ascii_case(words));
    begins && !text[words.len()..].starts_with(|it: char| it.is_alphanumeric() || it == '_' || it == '-')
}

#[cfg(test)]
mod tests;
