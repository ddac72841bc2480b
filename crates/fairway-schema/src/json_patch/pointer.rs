//! JSON pointers, RFC 6901, with the negative indexes that Kubernetes' library takes.

use serde_json::Value;

/// How many steps a pointer may have: no object is deeper.
const MAX_STEPS: usize = crate::decode::MAX_DEPTH;

/// A parsed pointer; empty for the whole document.
pub(super) struct Pointer {
    steps: Vec<String>,
}

impl Pointer {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self { steps: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else { return Err("a path starts with '/'".to_owned()) };
        let steps: Vec<String> = rest.split('/').map(|it| it.replace("~1", "/").replace("~0", "~")).collect();
        if steps.len() > MAX_STEPS {
            return Err(format!("a path may have at most {MAX_STEPS} steps"));
        }
        Ok(Self { steps })
    }

    /// How many levels lie above what it points to.
    pub(super) fn depth(&self) -> usize {
        self.steps.len()
    }

    /// Whether `other` leads to a value that holds this one.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.steps.len() > other.steps.len() && self.steps.starts_with(&other.steps)
    }

    pub(super) fn find<'v>(&self, target: &'v Value) -> Result<&'v Value, String> {
        self.steps.iter().try_fold(target, |value, step| match value {
            Value::Object(object) => object.get(step).ok_or_else(|| missing(step)),
            Value::Array(list) => {
                let index = index(step, list.len())?;
                list.get(index).ok_or_else(|| missing(step))
            }
            _ => Err(missing(step)),
        })
    }

    pub(super) fn find_mut<'v>(&self, target: &'v mut Value) -> Result<&'v mut Value, String> {
        walk(&self.steps, target)
    }

    /// Puts a value there; returns how many others had to move.
    pub(super) fn add(&self, target: &mut Value, value: Value) -> Result<usize, String> {
        let Some((last, parents)) = self.steps.split_last() else {
            *target = value;
            return Ok(0);
        };
        match walk(parents, target)? {
            Value::Object(object) => {
                object.insert(last.clone(), value);
                Ok(0)
            }
            Value::Array(list) if last == "-" => {
                list.push(value);
                Ok(0)
            }
            Value::Array(list) => {
                let at = index(last, list.len() + 1)?;
                if at > list.len() {
                    return Err(missing(last));
                }
                list.insert(at, value);
                Ok(list.len() - at)
            }
            _ => Err("its parent is neither an object nor a list".to_owned()),
        }
    }

    /// Takes a value out; returns it and how many others had to move.
    pub(super) fn remove(&self, target: &mut Value) -> Result<(Value, usize), String> {
        let Some((last, parents)) = self.steps.split_last() else {
            return Err("the whole object cannot be removed".to_owned());
        };
        match walk(parents, target)? {
            Value::Object(object) => object.remove(last).map(|it| (it, 0)).ok_or_else(|| missing(last)),
            Value::Array(list) => {
                let at = index(last, list.len())?;
                if at >= list.len() {
                    return Err(missing(last));
                }
                Ok((list.remove(at), list.len() - at))
            }
            _ => Err("its parent is neither an object nor a list".to_owned()),
        }
    }
}

fn walk<'v>(steps: &[String], target: &'v mut Value) -> Result<&'v mut Value, String> {
    steps.iter().try_fold(target, |value, step| match value {
        Value::Object(object) => object.get_mut(step).ok_or_else(|| missing(step)),
        Value::Array(list) => {
            let index = index(step, list.len())?;
            list.get_mut(index).ok_or_else(|| missing(step))
        }
        _ => Err(missing(step)),
    })
}

/// A place in a list of `length` places; negative ones count from its end.
fn index(step: &str, length: usize) -> Result<usize, String> {
    let digits = step.strip_prefix('-').unwrap_or(step);
    let canonical = !digits.is_empty()
        && digits.bytes().all(|it| it.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    let number = digits.parse::<usize>().ok().filter(|_| canonical);
    let number = number.ok_or_else(|| format!("{step:?} is not an index"))?;
    if step.starts_with('-') { length.checked_sub(number).ok_or_else(|| missing(step)) } else { Ok(number) }
}

fn missing(step: &str) -> String {
    format!("there is no {step:?}")
}
