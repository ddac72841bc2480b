use super::*;

fn of(variables: &[(&str, &str)]) -> Result<Home, Failure> {
    Home::choose(|name| variables.iter().find(|it| it.0 == name).map(|it| PathBuf::from(it.1)))
}

#[test]
fn the_home_is_the_first_that_is_named() {
    let all = [("FAIRWAY_HOME", "/a"), ("XDG_DATA_HOME", "/b"), ("HOME", "/c")];
    assert_eq!(of(&all).unwrap().root(), Path::new("/a"));
    assert_eq!(of(&all[1..]).unwrap().root(), Path::new("/b/fairway"));
    assert_eq!(of(&all[2..]).unwrap().root(), Path::new("/c/.local/share/fairway"));
    assert_eq!(
        of(&[("FAIRWAY_HOME", ""), ("XDG_DATA_HOME", "not/absolute"), ("HOME", "/c")]).unwrap().root(),
        Path::new("/c/.local/share/fairway")
    );
    assert!(of(&[]).unwrap_err().what.contains("FAIRWAY_HOME"));
    assert!(of(&[("FAIRWAY_HOME", "here")]).unwrap().root().is_absolute());
}

fn announce(home: &Home, pid: u32, start_ticks: u64) {
    fs::create_dir_all(home.path("run")).unwrap();
    let it = Running { pid, start_ticks, api_port: 1, gateway_port: 2, version: "0".to_owned() };
    fs::write(home.path("run/platform.json"), serde_json::to_vec(&it).unwrap()).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_killed_platform_left_behind_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    assert!(home.running().is_none() && home.announced().is_none());
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    announce(&home, std::process::id(), ticks);
    assert_eq!(home.running().unwrap().pid, std::process::id());
    announce(&home, std::process::id(), ticks + 1);
    assert!(home.running().is_none(), "somebody else has the pid now");
    announce(&home, u32::MAX - 1, ticks);
    assert!(home.running().is_none() && home.announced().is_some());
    fs::write(home.path("run/platform.json"), "{ half").unwrap();
    assert!(home.announced().is_none());
}

#[test]
fn the_end_of_the_log_is_that_of_this_start_and_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    assert_eq!((home.log_length(), home.log_end(0, 5)), (0, Vec::new()));
    fs::create_dir_all(home.path("log")).unwrap();
    fs::write(home.path("log/platform.log"), "old\n").unwrap();
    let before = home.log_length();
    fs::write(home.path("log/platform.log"), "old\none\n\x1b[2Jtwo\nthree\n").unwrap();
    assert_eq!(home.log_end(before, 2), ["[2Jtwo", "three"]);
    assert_eq!(home.log_end(before, 9), ["one", "[2Jtwo", "three"]);
    assert!(home.log_end(1000, 9).is_empty());
}
