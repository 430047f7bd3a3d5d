//! The figures as a table and as JSON.

use std::fmt::Write;

/// One comparison. Times are nanoseconds for one value.
pub(crate) struct Figure {
    pub(crate) figure: String,
    pub(crate) ours: f64,
    pub(crate) peer: f64,
    /// How many times as long the peer takes.
    pub(crate) ratio: f64,
    /// The ratio we want, if there is one.
    pub(crate) goal: Option<f64>,
}

impl Figure {
    /// Whether the goal is reached, if there is one.
    fn holds(&self) -> Option<bool> {
        self.goal.map(|goal| self.ratio >= goal)
    }
}

pub(crate) fn json(figures: &[Figure]) -> String {
    let round = |x: f64| (x * 100.0).round() / 100.0;
    let list: Vec<_> = figures
        .iter()
        .map(|row| {
            serde_json::json!({
                "figure": row.figure,
                "ours": round(row.ours),
                "peer": round(row.peer),
                "ratio": round(row.ratio),
                "goal": row.goal,
                "holds": row.holds(),
            })
        })
        .collect();
    serde_json::Value::from(list).to_string()
}

pub(crate) fn text(figures: &[Figure]) -> String {
    let width = figures.iter().map(|row| row.figure.len()).max().unwrap_or(0);
    let mut table =
        format!("\n{:width$} {:>9} {:>9} {:>6} {:>5}  holds\n", "figure", "ours ns", "peer ns", "ratio", "goal");
    for row in figures {
        let goal = row.goal.map_or(String::from("-"), |goal| goal.to_string());
        let holds = match row.holds() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{:width$} {:9.1} {:9.1} {:6.2} {goal:>5}  {holds}",
            row.figure, row.ours, row.peer, row.ratio
        );
    }
    table
}
