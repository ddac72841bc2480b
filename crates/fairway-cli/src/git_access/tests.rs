use std::path::Path;

use super::Entries;
use crate::home::Home;

#[test]
fn entries_are_for_one_address_and_keep_the_token_from_other_helpers() {
    let home = Home::new("/data/it's here");
    let entries = Entries::new(&home, Path::new("/opt/platform"), 7443);
    let commands = entries.commands();
    assert_eq!(
        commands,
        [
            r"git config --global --add http.https://127.0.0.1:7443/.sslCAInfo '/data/it'\''s here/pki/ca.crt'",
            r"git config --global --add http.https://127.0.0.1:7443/.proxy ''",
            r"git config --global --add credential.https://127.0.0.1:7443.helper ''",
            r"git config --global --add credential.https://127.0.0.1:7443.helper '!'\''/opt/platform'\'' git-credential --home='\''/data/it'\''\'\'''\''s here'\'''",
        ]
    );
    let arguments = entries.arguments();
    assert_eq!(arguments[2..4], ["-c", "http.https://127.0.0.1:7443/.proxy="]);
    assert_eq!(arguments[4..6], ["-c", "credential.https://127.0.0.1:7443.helper="]);
}
