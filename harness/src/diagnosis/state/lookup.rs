//! What a kernel makes of rules and routes.

use std::net::IpAddr;

use super::machine::State;
use super::route::{Route, Rule};

/// What a kernel makes of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::diagnosis) enum Lookup<'s> {
    /// By this route.
    By(&'s Route),
    /// A route or a rule refuses: its words.
    Refused(String),
    /// No route.
    None,
}

impl State {
    /// Looks a destination up, as `ip route get TO from FROM iif IIF` does, but for the table of own addresses.
    pub(in crate::diagnosis) fn lookup(
        &self,
        to: IpAddr,
        from: Option<IpAddr>,
        iif: Option<&str>,
    ) -> Lookup<'_> {
        let mut rules: Vec<&Rule> = self.rules.iter().collect();
        rules.sort_by_key(|rule| rule.priority);
        let taken: Vec<&Rule> = rules
            .into_iter()
            .filter(|rule| rule.takes(to, from, iif))
            .collect();
        if taken.is_empty() {
            return self.in_table("main", to).unwrap_or(Lookup::None);
        }
        for rule in taken {
            if let Some(refusal @ ("blackhole" | "unreachable" | "prohibit")) =
                rule.action.as_deref()
            {
                return Lookup::Refused(format!("rule {}: {refusal}", rule.priority));
            }
            let table = rule.table.as_deref().unwrap_or("main");
            if table == "local" {
                continue;
            }
            if let Some(found) = self.in_table(table, to) {
                return found;
            }
        }
        Lookup::None
    }

    fn in_table(&self, table: &str, to: IpAddr) -> Option<Lookup<'_>> {
        let v6 = to.is_ipv6();
        let fits = |route: &&Route| {
            let here = route.table.as_deref().unwrap_or("main") == table;
            here && route.is_of(v6)
                && route.net(v6).is_some_and(|net| net.contains(&to))
                && self.reaches(route, to)
        };
        let best = self.routes.iter().filter(fits).min_by_key(|route| {
            let length = route.net(v6).map_or(0, |net| net.prefix_len());
            (u8::MAX - length, route.metric)
        })?;
        Some(match best.kind.as_str() {
            "blackhole" | "unreachable" | "prohibit" => Lookup::Refused(best.words()),
            "throw" => return None,
            _ => Lookup::By(best),
        })
    }

    /// A link-local destination is one on each link: the caller knows which link is meant, and asks for that.
    fn reaches(&self, route: &Route, to: IpAddr) -> bool {
        let local = matches!(to, IpAddr::V6(to) if to.is_unicast_link_local());
        !local
            || route
                .link()
                .is_some_and(|link| self.links.contains_key(link))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::rows;
    use super::*;

    fn of_v4(route: Route) -> Route {
        Route {
            v6: Some(false),
            ..route
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn state() -> State {
        // iproute2 6.1, made with `ip route` and `ip rule` in a namespace, cut.
        let routes = r#"[{"type":"unicast","dst":"default","gateway":"10.9.0.1","dev":"v1","table":"main","protocol":"boot","flags":[]},
            {"type":"unicast","dst":"10.6.0.0/16","via":{"family":"inet6","host":"fe80::1"},"dev":"v1","table":"main","flags":[]},
            {"type":"blackhole","dst":"10.7.0.0/16","table":"main","protocol":"boot","flags":[]},
            {"type":"unicast","dst":"10.8.0.0/16","table":"main","flags":[],"nexthops":[{"gateway":"10.9.0.2","dev":"v1","weight":1,"flags":[]}]},
            {"type":"unicast","dst":"10.9.0.0/24","dev":"v1","table":"main","protocol":"kernel","prefsrc":"10.9.0.7","flags":[]},
            {"type":"unicast","dst":"10.9.0.0/24","dev":"v2","table":"main","metric":5,"flags":[]},
            {"type":"local","dst":"10.9.0.7","dev":"v1","table":"local","protocol":"kernel","flags":[]},
            {"type":"unicast","dst":"default","gateway":"10.9.0.100","dev":"v1","table":"100","flags":[]}]"#;
        let rules = r#"[{"priority":0,"src":"all","table":"local"},
            {"priority":32763,"src":"all","fwmark":"0x5","iif":"v0","table":"101"},
            {"priority":32764,"src":"all","dst":"10.1.0.0","dstlen":16,"action":"blackhole"},
            {"priority":32765,"src":"10.66.0.0","srclen":16,"table":"100"},
            {"priority":32766,"src":"all","table":"main"}]"#;
        State {
            routes: rows::<Route>(routes).into_iter().map(of_v4).collect(),
            rules: rows(rules),
            ..State::default()
        }
    }

    #[test]
    fn the_longest_prefix_and_the_lowest_metric_count() {
        let state = state();
        let by = |to: &str, from: Option<&str>| match state.lookup(ip(to), from.map(ip), None) {
            Lookup::By(route) => route.words(),
            Lookup::Refused(words) => format!("refused: {words}"),
            Lookup::None => "none".to_owned(),
        };
        assert_eq!(by("192.0.2.1", None), "default via 10.9.0.1 dev v1");
        assert_eq!(by("10.9.0.3", None), "10.9.0.0/24 dev v1");
        assert_eq!(by("10.8.1.1", None), "10.8.0.0/16 via 10.9.0.2 dev v1");
        assert_eq!(by("10.6.1.1", None), "10.6.0.0/16 via fe80::1 dev v1");
        assert_eq!(by("10.7.1.1", None), "refused: blackhole 10.7.0.0/16");
        assert_eq!(by("10.1.1.1", None), "refused: rule 32764: blackhole");
        let by_rule = by("192.0.2.1", Some("10.66.0.9"));
        assert_eq!(by_rule, "default via 10.9.0.100 dev v1");
        assert_eq!(by("2001:db8::1", None), "none");
    }
}
