//! What names, label keys and label values may look like, in the words of the API. Each function returns what is
//! wrong; nothing means the name is good.

/// `a-b.c`: most object names.
pub fn dns_subdomain(name: &str) -> Vec<String> {
    let good = !name.is_empty()
        && name.split('.').all(|it| is_label(it, |first| first.is_ascii_lowercase() || first.is_ascii_digit()));
    let detail = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                  must start and end with an alphanumeric character";
    let regex = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    found(name, 253, good, || explain(detail, &["example.com"], regex))
}

/// `a-b`: namespaces, containers.
pub fn dns_label(name: &str) -> Vec<String> {
    let good = is_label(name, |first| first.is_ascii_lowercase() || first.is_ascii_digit());
    let detail = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                  and end with an alphanumeric character";
    found(name, 63, good, || explain(detail, &["my-name", "123-abc"], "[a-z0-9]([-a-z0-9]*[a-z0-9])?"))
}

/// A label that starts with a letter: services.
pub fn dns_1035_label(name: &str) -> Vec<String> {
    let good = is_label(name, |first| first.is_ascii_lowercase());
    let detail = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
                  character, and end with an alphanumeric character";
    found(name, 63, good, || explain(detail, &["my-name", "abc-123"], "[a-z]([-a-z0-9]*[a-z0-9])?"))
}

/// `prefix/name` or `name`: label and annotation keys, finalizers.
pub fn qualified_name(name: &str) -> Vec<String> {
    const EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
    const REGEX: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    let detail = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                  alphanumeric character";
    let mut wrong = Vec::new();
    let name = match name.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(dns_subdomain(prefix).into_iter().map(|it| format!("prefix part {it}")));
            }
            *name
        }
        _ => {
            let shape = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a qualified name {}{shape}", explain(detail, &EXAMPLES, REGEX))];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push(format!("name part {}", too_long(63)));
    }
    if !is_word(name) {
        wrong.push(format!("name part {}", explain(detail, &EXAMPLES, REGEX)));
    }
    wrong
}

/// What a label may be set to.
pub fn label_value(value: &str) -> Vec<String> {
    let detail = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                  must start and end with an alphanumeric character";
    let regex = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
    let good = value.is_empty() || is_word(value);
    found(value, 63, good, || explain(detail, &["MyValue", "my_value", "12345"], regex))
}

/// A key of a ConfigMap or Secret: it becomes a file name.
pub fn config_map_key(name: &str) -> Vec<String> {
    let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    let good = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    let mut wrong =
        found(name, 253, good, || explain(detail, &["key.name", "KEY_NAME", "key-name"], "[-._a-zA-Z0-9]+"));
    match name {
        "." => wrong.push("must not be '.'".to_owned()),
        ".." => wrong.push("must not be '..'".to_owned()),
        _ if name.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// A name that is one segment of a URL path: RBAC roles.
pub fn path_segment(name: &str) -> Vec<String> {
    match name {
        "." => vec!["may not be '.'".to_owned()],
        ".." => vec!["may not be '..'".to_owned()],
        _ => ["/", "%"].iter().filter(|it| name.contains(**it)).map(|it| format!("may not contain '{it}'")).collect(),
    }
}

/// What is said of a text that may not have so many bytes.
pub fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn found(text: &str, limit: usize, good: bool, explain: impl Fn() -> String) -> Vec<String> {
    let long = (text.len() > limit).then(|| too_long(limit));
    long.into_iter().chain((!good).then(explain)).collect()
}

fn explain(detail: &str, examples: &[&str], regex: &str) -> String {
    let examples: Vec<String> = examples.iter().map(|it| format!("'{it}', ")).collect();
    format!("{detail} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

fn is_label(text: &str, starts: impl Fn(char) -> bool) -> bool {
    let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    text.chars().next().is_some_and(starts) && text.bytes().all(inner) && !text.ends_with('-')
}

fn is_word(text: &str) -> bool {
    let ends = |it: Option<u8>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    ends(text.bytes().next())
        && ends(text.bytes().next_back())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
}

#[cfg(test)]
mod tests;
