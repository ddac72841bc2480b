//! Taking a clear-signed text apart. Whatever two readers could take differently is refused.

use super::VerifyText;
use super::armor;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// A text and the signatures that stand behind it.
pub(super) struct Clear {
    /// As it is read.
    pub(super) text: String,
    /// As it was signed: lines end with CR LF, the last one does not.
    pub(super) signed: String,
    pub(super) signatures: Vec<u8>,
}

pub(super) fn parse(message: &[u8]) -> Result<Clear, VerifyText> {
    let refuse = VerifyText::NotSigned;
    let message = std::str::from_utf8(message).map_err(|_| refuse("it is not UTF-8"))?;
    let body = message.strip_prefix(BEGIN).and_then(|it| it.strip_prefix('\n').or_else(|| it.strip_prefix("\r\n")));
    let mut rest = body.ok_or(refuse("it does not begin as one"))?;
    loop {
        let (line, after) = rest.split_once('\n').ok_or(refuse("it ends early"))?;
        rest = after;
        match line.trim_end() {
            "" => break,
            line if line.starts_with("Hash: ") => {}
            _ => return Err(refuse("it has a header that is not understood")),
        }
    }
    let (mut text, mut signed) = (String::new(), String::new());
    loop {
        if rest.starts_with(SIGNATURE) {
            break;
        }
        let (line, after) = rest.split_once('\n').ok_or(refuse("its signature is missing"))?;
        rest = after;
        let line = match line.strip_prefix("- ") {
            Some(line) => line,
            None if line.starts_with('-') => return Err(refuse("a line begins with a hyphen")),
            None => line,
        };
        let line = line.trim_end_matches([' ', '\t', '\r']);
        if line.contains(['\r', '\0']) {
            return Err(refuse("a line holds a carriage return or NUL"));
        }
        if !text.is_empty() {
            signed.push_str("\r\n");
        }
        signed.push_str(line);
        text.push_str(line);
        text.push('\n');
    }
    Ok(Clear { text, signed, signatures: armor::decode(rest, "PGP SIGNATURE")? })
}
