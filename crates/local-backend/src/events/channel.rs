//! Channels, and what a subscription asks for (Event API guide, "Understanding the Event API
//! WebSocket protocol").

/// Most segments of a channel.
const MAX_SEGMENTS: usize = 5;

/// Longest segment.
pub(super) const MAX_SEGMENT_CHARACTERS: usize = 50;

/// What ends a subscription to everything below a channel.
const WILDCARD: &str = "*";

/// A channel that can be published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Channel {
    segments: Vec<String>,
}

impl Channel {
    /// Reads one to five segments; a slash before and one after them mean nothing.
    pub(super) fn parse(channel: &str) -> Option<Self> {
        let segments: Vec<&str> = trim(channel).split('/').collect();
        let legal = segments.len() <= MAX_SEGMENTS && segments.iter().all(|it| is_segment(it));
        legal.then(|| Self { segments: segments.into_iter().map(str::to_owned).collect() })
    }

    /// The channel of these two segments, which are legal.
    pub(super) fn of(namespace: &str, segment: String) -> Self {
        Self { segments: vec![namespace.to_owned(), segment] }
    }

    /// The first segment.
    pub(super) fn namespace(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    /// The segments below the namespace.
    pub(super) fn below(&self) -> &[String] {
        self.segments.get(1..).unwrap_or_default()
    }
}

/// What a subscription asks for: one channel, or everything below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    channel: Channel,
    wildcard: bool,
}

impl Pattern {
    /// Reads a channel whose last segment may be `*`. There is no pattern above the namespaces.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let trimmed = trim(pattern);
        match trimmed.strip_suffix(WILDCARD).and_then(|above| above.strip_suffix('/')) {
            None => Some(Self { channel: Channel::parse(trimmed)?, wildcard: false }),
            Some(above) if above.starts_with('/') || above.ends_with('/') => None,
            Some(above) => {
                let channel = Channel::parse(above)?;
                (channel.segments.len() < MAX_SEGMENTS).then_some(Self { channel, wildcard: true })
            }
        }
    }

    /// The first segment.
    pub(super) fn namespace(&self) -> &str {
        self.channel.namespace()
    }

    /// The segments below the namespace, without the wildcard.
    pub(super) fn below(&self) -> &[String] {
        self.channel.below()
    }

    /// Whether it ends in `*`.
    pub(super) fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether what is published to a channel is for whoever asked for this.
    pub(super) fn matches(&self, channel: &Channel) -> bool {
        if !self.wildcard {
            return self.channel == *channel;
        }
        let above = &self.channel.segments;
        channel.segments.len() > above.len() && channel.segments.starts_with(above)
    }
}

fn trim(channel: &str) -> &str {
    let channel = channel.strip_prefix('/').unwrap_or(channel);
    channel.strip_suffix('/').unwrap_or(channel)
}

/// Whether a text is 1 to 50 letters, digits and dashes, with no dash at either end.
pub(super) fn is_segment(text: &str) -> bool {
    (1..=MAX_SEGMENT_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_one_to_five_segments() {
        let long = "a".repeat(50);
        for channel in ["default", "/default", "default/", "/default/room/", "a/b/c/d/e", &long] {
            assert!(Channel::parse(channel).is_some(), "{channel}");
        }
        let longer = "a".repeat(51);
        for channel in [
            "",
            "/",
            "//",
            "//a",
            "a//",
            "a//b",
            "a/b/c/d/e/f",
            "-a",
            "a-",
            "a_b",
            "a.b",
            "a b",
            "é",
            "*",
            "a/*",
            "a/b*",
            &longer,
        ] {
            assert!(Channel::parse(channel).is_none(), "{channel}");
        }
    }

    #[test]
    fn slashes_around_a_channel_mean_nothing() {
        assert_eq!(Channel::parse("/a/b/"), Channel::parse("a/b"));
        assert_ne!(Channel::parse("a/B"), Channel::parse("a/b"));
    }

    #[test]
    fn a_wildcard_is_last_and_below_a_namespace() {
        for pattern in ["/default/*", "default/*", "default/*/", "a/b/c/d/*", "a", "a/b"] {
            assert!(Pattern::parse(pattern).is_some(), "{pattern}");
        }
        for pattern in
            ["*", "/*", "//*", "a//*", "a/*/b", "a/b*", "a/**", "a/*/*", "a/b/c/d/e/*", "*/a", "a*"]
        {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn a_wildcard_covers_all_depths_below_and_not_the_channel_itself() {
        let gets = |pattern: &str, channel: &str| {
            Pattern::parse(pattern).unwrap().matches(&Channel::parse(channel).unwrap())
        };
        assert!(gets("/a/*", "a/b"));
        assert!(gets("/a/*", "a/b/c/d/e"));
        assert!(gets("/a/b/*", "a/b/c"));
        assert!(gets("a/b", "/a/b/"));
        assert!(!gets("/a/*", "a"));
        assert!(!gets("/a/*", "ab/c"));
        assert!(!gets("/a/b/*", "a/c/b"));
        assert!(!gets("/a/b", "a/b/c"));
    }
}
