//! The files that say who there is and what this is: those that no package brings, because scripts make them.

use crate::base::declaration::User;

/// The number of the user that images run as, and of his group.
const USER: u32 = 65532;

/// By path.
pub(super) fn files(user: &User) -> [(&'static str, String); 4] {
    let User { name, home } = user;
    let nowhere = "/usr/sbin/nologin";
    let passwd = format!(
        "root:x:0:0:root:/root:{nowhere}\n{name}:x:{USER}:{USER}:{name}:{home}:{nowhere}\n\
         nobody:x:65534:65534:nobody:/nonexistent:{nowhere}\n"
    );
    let group = format!("root:x:0:\n{name}:x:{USER}:\nnogroup:x:65534:\n");
    let switch = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\n\
                  services: files\n";
    let hosts = "127.0.0.1 localhost\n::1 localhost\n";
    [
        ("etc/passwd", passwd),
        ("etc/group", group),
        ("etc/nsswitch.conf", switch.to_owned()),
        ("etc/hosts", hosts.to_owned()),
    ]
}
