//! The day that the demo imports: two invented people, two computers, one working day, and every oddity that real
//! titles, files and addresses have. The same at every call. And what the same people do on other days, and now.

use serde_json::{Value, json};

/// The computers and who sits at them.
pub(crate) const PEOPLE: [(&str, &str); 2] = [("nordlicht", "Mara Lindqvist"), ("studio-7", "Tomás Oyelaran")];

/// What ActivityWatch calls a bucket: one watcher's events on one computer.
pub(crate) struct Bucket {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) hostname: &'static str,
    pub(crate) events: Vec<Value>,
}

/// The date of the day.
pub(crate) fn date() -> String {
    THE_DAY.text()
}

/// When the day begins, in Unix milliseconds.
pub(crate) fn start_ms() -> u64 {
    THE_DAY.0 * 24 * 60 * MINUTE
}

/// All buckets of the day.
pub(crate) fn buckets() -> Vec<Bucket> {
    let [(developer, _), (writer, _)] = PEOPLE;
    let mut buckets = computer(developer, 1, &DEVELOPER);
    buckets.extend(computer(writer, 2, &WRITER));
    let keys =
        (0..40).map(|i| THE_DAY.event(MORNING + i * 60_000, 60_000, json!({"presses": i * 7 % 90, "clicks": i % 5})));
    buckets.push(Bucket {
        id: format!("aw-watcher-input_{writer}"),
        kind: "os.hid.input",
        hostname: writer,
        events: keys.collect(),
    });
    buckets
}

/// Wednesday 2026-03-11.
const THE_DAY: Date = Date(20_523);
/// What the AFK watcher calls presence and absence.
const HERE: &str = "not-afk";
const AWAY: &str = "afk";
/// How many days before today its people have worked too, when the demo goes on.
const DAYS_BEFORE: u64 = 6;
const SECOND: u64 = 1000;
const MINUTE: u64 = 60_000;
const MORNING: u64 = 8 * 60 * MINUTE;
const EVENING: u64 = 17 * 60 * MINUTE + 30 * MINUTE;
const BEFORE_MIDNIGHT: u64 = 23 * 60 * MINUTE + 50 * MINUTE;

/// How somebody spends the day: each activity as often as its weight.
type Habits = [(u64, Activity)];

#[derive(Clone, Copy)]
enum Activity {
    Browse { browser: &'static str },
    Edit { editor: &'static str, app: &'static str, project: &'static str, files: &'static [&'static str] },
    Use { app: &'static str, titles: &'static [&'static str] },
}

const DEVELOPER: [(u64, Activity); 7] = [
    (
        26,
        Activity::Edit {
            editor: "Visual Studio Code",
            app: "Code.exe",
            project: "harbour-api",
            files: &[
                "C:\\work\\harbour-api\\src\\main.rs",
                "C:\\work\\harbour-api\\src\\routes\\berths.rs",
                "C:\\work\\harbour-api\\src\\routes\\tides.rs",
                "C:\\work\\harbour-api\\tests\\berths.rs",
                "C:\\work\\harbour-api\\Cargo.toml",
                "C:\\work\\harbour-api\\README.md",
            ],
        },
    ),
    (
        10,
        Activity::Edit {
            editor: "Visual Studio Code",
            app: "Code.exe",
            project: "Übersetzungen",
            files: &[
                "C:\\work\\Übersetzungen\\de.ftl",
                "C:\\work\\Übersetzungen\\日本語.ftl",
                "C:\\work\\Übersetzungen\\ar.ftl",
            ],
        },
    ),
    (34, Activity::Browse { browser: "chrome.exe" }),
    (
        12,
        Activity::Use {
            app: "WindowsTerminal.exe",
            titles: &["cargo test", "git rebase -i main", "ssh harbour-staging", "PowerShell"],
        },
    ),
    (
        9,
        Activity::Use {
            app: "slack.exe",
            titles: &["#harbour | Slack", "#random 🎉 | Slack", "Tomás Oyelaran (DM) | Slack", "Threads | Slack"],
        },
    ),
    (
        6,
        Activity::Use {
            app: "ms-teams.exe",
            titles: &["Daily stand-up | Microsoft Teams", "Calendar | Microsoft Teams"],
        },
    ),
    (3, Activity::Use { app: "explorer.exe", titles: &["Downloads", "harbour-api", "", "Program Manager"] }),
];

const WRITER: [(u64, Activity); 7] = [
    (
        22,
        Activity::Use {
            app: "winword.exe",
            titles: &[
                "Annual report 2025 - final (3).docx - Word",
                "Angebot Müller & Söhne.docx - Word",
                "Protokoll 11. März.docx - Word",
                "Document1 - Word",
            ],
        },
    ),
    (34, Activity::Browse { browser: "firefox.exe" }),
    (
        12,
        Activity::Use {
            app: "outlook.exe",
            titles: &[
                "Inbox - tomas@oyelaran.example - Outlook",
                "RE: Q1 numbers - Message (HTML)",
                "Kalender - Outlook",
            ],
        },
    ),
    (
        10,
        Activity::Use { app: "excel.exe", titles: &["Budget_2026.xlsx - Excel", "Kopie von Budget_2026.xlsx - Excel"] },
    ),
    (
        12,
        Activity::Edit {
            editor: "Obsidian",
            app: "Obsidian.exe",
            project: "Notes 🗒️",
            files: &[
                "/home/tomas/notes/2026-03-11.md",
                "/home/tomas/notes/ideas for spring.md",
                "/home/tomas/notes/读书笔记.md",
            ],
        },
    ),
    (6, Activity::Use { app: "ms-teams.exe", titles: &["Daily stand-up | Microsoft Teams", "Chat | Microsoft Teams"] }),
    (4, Activity::Use { app: "Figma.exe", titles: &["Landing page – Figma", "Icons v2 – Figma"] }),
];

/// Pages that are visited all day: address and title. `{}` becomes one of some numbers.
const PAGES: [(&str, &str); 10] = [
    ("https://github.com/harbour/api/pull/{}", "Fix tide rounding by mara · Pull Request #{} · harbour/api"),
    ("https://github.com/harbour/api/issues/{}", "Berth {} is listed twice · Issue · harbour/api"),
    ("https://docs.rs/axum/latest/axum/?search={}", "axum - Rust"),
    ("https://mail.example.com/mail/u/0/#inbox/{}", "Inbox ({}) - Example Mail"),
    ("https://www.google.com/search?q=tide+tables+{}", "tide tables {} - Google Search"),
    ("https://de.wikipedia.org/wiki/Gezeiten", "Gezeiten – Wikipedia"),
    ("https://ja.wikipedia.org/wiki/潮汐", "潮汐 - Wikipedia"),
    ("https://news.ycombinator.com/item?id={}", "Show HN: I counted {} boats | Hacker News"),
    ("http://localhost:8080/berths/{}?debug=1", "Berth {}"),
    ("https://calendar.example.com/week/2026/11", "Kalender – Woche 11"),
];

/// Addresses that a parser must get right.
const ODD_URLS: [&str; 18] = [
    "about:blank",
    "about:config?filter=\"<b>\"",
    "file:///C:/Users/mara/Desktop/Gehalt%202026.xlsx",
    "file:///home/tomas/notes/2026-03-11.md",
    "chrome://settings/privacy",
    "HTTPS://WWW.EXAMPLE.COM/Upper/Case",
    "https://www.example.com:443/same-host-with-port",
    "https://mara:correct horse@intranet.example:8443/login?next=/",
    "https://mara@example.org:pw@intranet.example/",
    "http://[2001:DB8::7]:3000/health",
    "http://user@[2001:db8::7]/",
    "http://192.0.2.44:8080",
    "https://münchen.example/straße?q=ü#ß",
    "https://example.org?redirect=https://other.example/",
    "https://example.org#://not-a-host",
    "https:///no-host",
    "javascript:alert(document.cookie)",
    "",
];

/// Programs and titles that a table, a parser or a terminal must get right.
const ODD_WINDOWS: [(&str, &str); 24] = [
    ("", ""),
    ("explorer.exe", ""),
    ("chrome.exe", "<script>alert('title')</script>"),
    ("excel.exe", "=HYPERLINK(\"http://evil.example\",\"Click\")"),
    ("excel.exe", "+1+1;-2@SUM(A1:A9)"),
    ("excel.exe", "\"quoted\", with, commas; and 'more'"),
    ("slack.exe", "👨‍👩‍👧‍👦 family channel 🏳️‍🌈 | Slack"),
    ("slack.exe", "👍🏽👍🏿 🇸🇪🇳🇬 | Slack"),
    ("winword.exe", "דוח שנתי 2026.docx - Word"),
    ("winword.exe", "تقرير سنوي (نهائي).docx - Word"),
    ("winword.exe", "invoice\u{202E}xcod.exe"),
    ("winword.exe", "Cafe\u{301} menu.docx - Word"),
    ("winword.exe", "Café menu.docx - Word"),
    ("winword.exe", "Z\u{351}\u{343}\u{36B}a\u{33A}\u{320}l\u{334}\u{31B}g\u{321}\u{358}o\u{322}.docx"),
    ("WindowsTerminal.exe", "\u{1B}[31mred\u{1B}[0m\u{7}"),
    ("WindowsTerminal.exe", "two\nlines\tand a tab\r"),
    ("WindowsTerminal.exe", "zero\u{0}byte and \u{FEFF}mark"),
    ("WindowsTerminal.exe", "~/work'; DROP TABLE events; --"),
    ("java.exe", "C:\\path\\with \"quotes\"\\and\\trailing\\"),
    ("java.exe", "{\"json\": [null, 1]}"),
    ("日本語アプリ.exe", "ファイル選択 — 全角ＡＢＣ"),
    ("ＷＩＤＥ.exe", "한국어 제목 - 메모장"),
    ("app.exe", "   spaces around   "),
    ("App.exe", "upper and lower case are two programs"),
];

fn computer(hostname: &'static str, seed: u64, habits: &Habits) -> Vec<Bucket> {
    let mut random = Random(seed);
    let mut day = Day::new(THE_DAY);
    day.work(habits, &mut random);
    day.add_oddities(&mut random);
    day.add_presence(&mut random);
    day.add_odd_presence();
    day.into_buckets(hostname)
}

/// The milliseconds since 1970 as a date and what has passed of it.
fn split(now: u64) -> (Date, u64) {
    (Date(now / (24 * 60 * MINUTE)), now % (24 * 60 * MINUTE))
}

/// What one of the [`PEOPLE`] does at present.
pub(crate) struct Life {
    hostname: &'static str,
    habits: &'static Habits,
    random: Random,
    sight: Sight,
    status: &'static str,
    until: u64,
}

impl Life {
    /// The life of whoever sits at this computer, another one for each seed.
    pub(crate) fn of(hostname: &str, seed: u64) -> Option<Self> {
        let [(developer, _), (writer, _)] = PEOPLE;
        let (hostname, habits) =
            [(developer, &DEVELOPER), (writer, &WRITER)].into_iter().find(|(name, _)| *name == hostname)?;
        let mut random = Random(seed);
        let sight = pick(habits, &mut random).sight(&mut random);
        Some(Self { hostname, habits, random, sight, status: HERE, until: 0 })
    }

    /// What its watchers saw on the days before.
    pub(crate) fn before(&mut self, now: u64) -> Vec<Bucket> {
        let (Date(today), _) = split(now);
        let mut days = Day::new(Date(today));
        for date in today - DAYS_BEFORE..today {
            days.date = Date(date);
            days.work(self.habits, &mut self.random);
            days.add_presence(&mut self.random);
        }
        days.into_buckets(self.hostname)
    }

    /// What its watchers see now: the bucket of each, and an event that has only begun.
    pub(crate) fn now(&mut self, now: u64) -> Vec<(String, Value)> {
        if now >= self.until {
            self.sight = pick(self.habits, &mut self.random).sight(&mut self.random);
            // Somebody fetches a coffee now and then, and the last window stays open.
            self.status = if self.random.below(12) == 0 { AWAY } else { HERE };
            self.until = now + (3 + self.random.below(10)) * SECOND;
        }
        let Sight { window, tab, edit } = &self.sight;
        let presence = Some(status(self.status));
        let (date, time) = split(now);
        let seen = WATCHERS.into_iter().zip([Some(window.clone()), tab.clone(), edit.clone(), presence]);
        let event = |((watcher, _), data): (_, Option<Value>)| {
            Some((format!("{watcher}_{}", self.hostname), date.event(time, 0, data?)))
        };
        seen.filter_map(event).collect()
    }
}

/// The watchers of a computer, and what they call what they see.
const WATCHERS: [(&str, &str); 4] = [
    ("aw-watcher-window", "currentwindow"),
    ("aw-watcher-web", "web.tab.current"),
    ("aw-watcher-editor", "app.editor.activity"),
    ("aw-watcher-afk", "afkstatus"),
];

fn pick(habits: &Habits, random: &mut Random) -> Activity {
    let mut left = random.below(habits.iter().map(|(weight, _)| weight).sum());
    for (weight, activity) in habits {
        if left < *weight {
            return *activity;
        }
        left -= weight;
    }
    habits[0].1
}

/// What the watchers see of one activity.
struct Sight {
    window: Value,
    tab: Option<Value>,
    edit: Option<Value>,
}

impl Activity {
    fn sight(self, random: &mut Random) -> Sight {
        let (app, title, tab, edit) = match self {
            Self::Use { app, titles } => (app, random.one_of(titles).to_string(), None, None),
            Self::Browse { browser } => {
                let (url, title) = random.one_of(&PAGES);
                let number = (1200 + random.below(12) * random.below(12)).to_string();
                let (url, title) = (url.replace("{}", &number), title.replace("{}", &number));
                let name = if browser == "chrome.exe" { "Google Chrome" } else { "Firefox" };
                (browser, format!("{title} - {name}"), Some(tab(&url, &title)), None)
            }
            Self::Edit { editor, app, project, files } => {
                let file = random.one_of(files);
                let data = json!({"file": file, "project": project, "editor": editor, "language": "text"});
                let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
                (app, format!("{name} - {project} - {editor}"), None, Some(data))
            }
        };
        Sight { window: json!({"app": app, "title": title}), tab, edit }
    }
}

/// What the watchers of one computer saw.
struct Day {
    date: Date,
    windows: Vec<Value>,
    tabs: Vec<Value>,
    edits: Vec<Value>,
    presence: Vec<Value>,
}

impl Day {
    fn new(date: Date) -> Self {
        Self { date, windows: Vec::new(), tabs: Vec::new(), edits: Vec::new(), presence: Vec::new() }
    }

    fn into_buckets(self, hostname: &'static str) -> Vec<Bucket> {
        let events = [self.windows, self.tabs, self.edits, self.presence];
        let bucket = |((watcher, kind), events): ((&str, _), _)| Bucket {
            id: format!("{watcher}_{hostname}"),
            kind,
            hostname,
            events,
        };
        WATCHERS.into_iter().zip(events).map(bucket).collect()
    }

    /// From morning to evening.
    fn work(&mut self, habits: &Habits, random: &mut Random) {
        let mut now = MORNING;
        while now < EVENING {
            // Mostly short, sometimes long; some windows flash by.
            let length = if random.below(40) == 0 { 0 } else { 500 + random.below(300) * random.below(300) };
            self.spend(now, length, pick(habits, random), random);
            now += length + random.below(1500);
        }
    }

    fn spend(&mut self, start: u64, length: u64, activity: Activity, random: &mut Random) {
        let Sight { window, tab, edit } = activity.sight(random);
        // The browser's own watcher notices a little later.
        self.tabs.extend(tab.map(|tab| self.date.event(start + random.below(300), length, tab)));
        self.edits.extend(edit.map(|edit| self.date.event(start, length, edit)));
        let window = self.date.event(start, length, window);
        // A watcher that was restarted tells the same once more.
        if random.below(60) == 0 {
            self.windows.push(window.clone());
        }
        self.windows.push(window);
    }

    fn add_oddities(&mut self, random: &mut Random) {
        let time = |random: &mut Random| MORNING + random.below(EVENING - MORNING);
        for (app, title) in ODD_WINDOWS {
            for _ in 0..2 + random.below(3) {
                self.windows.push(self.date.event(
                    time(random),
                    random.below(20_000),
                    json!({"app": app, "title": title}),
                ));
            }
        }
        for title in long_titles() {
            self.windows.push(self.date.event(time(random), 4_000, json!({"app": "notepad.exe", "title": title})));
            self.windows.push(self.date.event(time(random), 0, json!({"app": "notepad.exe", "title": title})));
        }
        for url in ODD_URLS {
            self.tabs.push(self.date.event(time(random), random.below(30_000), tab(url, "")));
        }
        for length in [4_000, 4_096, 4_097, 5_000] {
            let start = "https://long.example/search?q=";
            let url = format!("{start}{}", "a".repeat(length - start.len()));
            self.tabs.push(self.date.event(time(random), random.below(30_000), tab(&url, "A long address")));
        }
        let deep = format!("/home/{}/end.txt", "tief/".repeat(900));
        self.edits.push(self.date.event(time(random), 7_000, json!({"file": deep, "project": "", "editor": "vim"})));
        // Fields that are missing or are no text.
        for data in [json!({}), json!({"app": null, "title": 7}), json!({"app": ["list"], "title": {"a": 1}})] {
            self.windows.push(self.date.event(time(random), 3_000, data));
        }
        self.tabs.push(self.date.event(
            time(random),
            3_000,
            json!({"title": "A tab without an address", "audible": true}),
        ));
        self.edits.push(self.date.event(time(random), 3_000, json!({"file": "/tmp/no-project.txt"})));
        self.windows.push(self.date.event(
            BEFORE_MIDNIGHT,
            25 * MINUTE,
            json!({"app": "vlc.exe", "title": "Night train 🚂 - VLC media player"}),
        ));
    }

    /// Periods of presence and absence that overlap by some seconds.
    fn add_presence(&mut self, random: &mut Random) {
        let mut now = MORNING - 2 * MINUTE;
        while now < EVENING {
            let here = (5 + random.below(40)) * MINUTE + random.below(MINUTE);
            self.presence.push(self.date.event(now, here, status(HERE)));
            let away = (3 + random.below(12)) * MINUTE;
            now += here - random.below(20_000);
            self.presence.push(self.date.event(now, away, status(AWAY)));
            now += away - random.below(20_000);
        }
    }

    /// A period that is told twice, one of no length, and one that runs over midnight.
    fn add_odd_presence(&mut self) {
        self.presence.push(self.date.event(11 * 60 * MINUTE, 90 * MINUTE, status(HERE)));
        self.presence.push(self.date.event(11 * 60 * MINUTE, 90 * MINUTE, status(HERE)));
        self.presence.push(self.date.event(14 * 60 * MINUTE, 0, status(AWAY)));
        self.presence.push(self.date.event(BEFORE_MIDNIGHT + 2 * MINUTE, 15 * MINUTE, status(HERE)));
    }
}

/// Titles around the length at which the agent cuts, with characters of every width across the cut.
fn long_titles() -> Vec<String> {
    let fill = |start: &str, with: &str, length: usize| {
        format!("{start}{}", with.repeat((length - start.len()).div_ceil(with.len())))
    };
    vec![
        fill("Exactly the limit ", "x", 4096),
        fill("One more ", "x", 4097),
        fill("Zweibytig ", "ü", 6000),
        fill("Zweibytig, um eins versetzt ", "ü", 6001),
        fill("三字节 ", "語", 5000),
        fill("Three bytes, shifted ", "語", 5000),
        fill("Four bytes ", "🚢", 4200),
        fill("Joined ", "👩‍🚀", 9000),
        fill("שלום ", "א", 4300),
    ]
}

fn status(status: &str) -> Value {
    json!({ "status": status })
}

fn tab(url: &str, title: &str) -> Value {
    json!({"url": url, "title": title, "audible": false, "incognito": false, "tabCount": 7})
}

/// Days since 1970-01-01.
#[derive(Clone, Copy)]
struct Date(u64);

impl Date {
    /// An event of this day; times in milliseconds since its midnight, which is what ActivityWatch keeps.
    fn event(self, start: u64, length: u64, data: Value) -> Value {
        let (seconds, millis) = (start / 1000, start % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let timestamp = format!("{}T{hour:02}:{minute:02}:{second:02}.{millis:03}+00:00", self.text());
        let duration = std::time::Duration::from_millis(length).as_secs_f64();
        json!({"timestamp": timestamp, "duration": duration, "data": data})
    }

    /// As ISO 8601 writes it; years begin in March meanwhile, so that leap days come last.
    fn text(self) -> String {
        let days = self.0 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_day_is_the_same_at_every_call_and_has_some_thousand_events() {
        let day = || buckets().into_iter().flat_map(|bucket| bucket.events).collect::<Vec<_>>();
        assert_eq!(day(), day());
        assert!((3_000..10_000).contains(&day().len()), "{} events", day().len());
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let dates = [(0, "1970-01-01"), (11_016, "2000-02-29"), (19_782, "2024-02-29"), (19_783, "2024-03-01")];
        for (days, text) in [&dates[..], &[(20_523, "2026-03-11"), (20_818, "2026-12-31")]].concat() {
            assert_eq!(Date(days).text(), text);
        }
    }

    #[test]
    fn life_goes_on_from_the_evening_before() {
        let now = (20_600 * 24 * 60 + 9 * 60) * MINUTE;
        let mut life = Life::of(PEOPLE[0].0, 1).unwrap();
        let before = life.before(now);
        for Bucket { events, .. } in &before {
            let days: std::collections::BTreeSet<_> =
                events.iter().filter_map(|event| event["timestamp"].as_str()?.get(..10)).collect();
            assert_eq!(days.len(), 6);
            assert!(!days.contains(Date(20_600).text().as_str()));
        }
        let mut seen = std::collections::BTreeMap::<_, std::collections::BTreeSet<_>>::new();
        for second in 0..600 {
            for (bucket, event) in life.now(now + second * SECOND) {
                assert!(before.iter().any(|before| before.id == bucket), "{bucket}");
                seen.entry(bucket).or_default().insert(event["data"].to_string());
            }
        }
        assert!(seen.len() == 4 && seen.values().all(|different| different.len() > 1), "{seen:?}");
    }

    #[test]
    fn every_computer_has_every_watcher() {
        for (hostname, _) in PEOPLE {
            let mut kinds: Vec<_> = buckets().iter().filter(|b| b.hostname == hostname).map(|b| b.kind).collect();
            kinds.retain(|kind| *kind != "os.hid.input");
            assert_eq!(kinds, ["currentwindow", "web.tab.current", "app.editor.activity", "afkstatus"]);
        }
    }
}
