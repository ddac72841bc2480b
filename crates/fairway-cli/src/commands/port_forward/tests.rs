use super::*;

type Read = Result<(Option<String>, Vec<(u16, u16)>), String>;

fn read(words: &[&str], service: Option<&str>) -> Read {
    let words = words.iter().map(|it| (*it).to_owned()).collect();
    let forward = PortForward { words, service: service.map(str::to_owned), whose: Whose::default() };
    let (service, pairs) = forward.read().map_err(|it| it.what)?;
    Ok((service, pairs.into_iter().map(|it| (it.local, it.remote)).collect()))
}

#[test]
fn a_port_is_one_number_or_two_and_a_service_stands_before_it() {
    let api = || Some("my-api".to_owned());
    assert_eq!(read(&["my-api", "8080"], None), Ok((api(), vec![(8080, 8080)])));
    assert_eq!(read(&["8080"], None), Ok((None, vec![(8080, 8080)])));
    assert_eq!(
        read(&["15432:5432", "0:80", ":81"], Some("my-api")),
        Ok((api(), vec![(15432, 5432), (0, 80), (0, 81)]))
    );
    for wrong in ["80:", "1:2:3", "80x", "65536", "1:0", "0"] {
        assert_eq!(read(&["my-api", wrong], None), Err(format!("{wrong:?} is no port")));
    }
    assert_eq!(read(&["my-api"], None), Err("no port is named".to_owned()));
    assert!(read(&["my-api", "80"], Some("other")).is_err(), "two services");
}
