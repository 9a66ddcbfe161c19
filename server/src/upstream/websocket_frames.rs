//! Where the frames of a websocket begin and end (RFC 6455 section 5.2), for whoever passes its
//! bytes on without understanding them and must end it politely: a close frame may stand between
//! two frames, even those of one message, and nowhere else.

/// A close frame without a mask, as servers send it: `code` and a reason of at most 123 bytes; what
/// is longer is left out.
pub(super) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let reason = if reason.len() <= 123 { reason } else { "" };
    let length = u8::try_from(2 + reason.len()).unwrap_or(2);
    let mut frame = vec![FINAL | CLOSE, length];
    frame.extend(code.to_be_bytes());
    frame.extend(reason.bytes());
    frame
}

const FINAL: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x8;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Longest head: two bytes, eight of length, four of mask.
const HEAD: usize = 14;

/// Follows the frames of one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// Bytes of the head that have been seen; 0 between frames.
    seen: usize,
    /// Bytes of the payload that are still to come.
    payload: u64,
    closed: bool,
}

impl Frames {
    /// Takes the bytes that pass next.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= u64::try_from(skipped).unwrap_or(self.payload);
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if let Some(place) = self.head.get_mut(self.seen) {
                *place = *byte;
            }
            self.seen += 1;
            if let Some(payload) = self.announced() {
                self.closed |= self.head[0] & OPCODE == CLOSE;
                self.payload = payload;
                self.seen = 0;
            }
        }
    }

    /// The length of the payload, once the head is whole.
    fn announced(&self) -> Option<u64> {
        if self.seen < 2 {
            return None;
        }
        let mask = if self.head[1] & MASKED == 0 { 0 } else { 4 };
        let length = self.head[1] & LENGTH;
        let more = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.seen < 2 + more + mask {
            return None;
        }
        let big_endian =
            |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        Some(match more {
            0 => u64::from(length),
            _ => big_endian(self.head.get(2..2 + more).unwrap_or_default()),
        })
    }

    /// Whether a frame may begin here.
    pub(super) const fn is_between(&self) -> bool {
        self.seen == 0 && self.payload == 0
    }

    /// Whether a close frame has passed: nothing may follow it.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many of the next bytes end the frame that has begun: what of `bytes` may still pass
    /// before a frame of ours. All of them where the frame does not end within them.
    pub(super) fn rest_of_frame(&self, bytes: &[u8]) -> usize {
        let mut ahead = self.clone();
        let mut passed = 0;
        while passed < bytes.len() && !ahead.is_between() {
            // Payload at once, heads byte by byte.
            let step = usize::try_from(ahead.payload).unwrap_or(usize::MAX).max(1);
            let end = passed.saturating_add(step).min(bytes.len());
            ahead.pass(bytes.get(passed..end).unwrap_or_default());
            passed = end;
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame as RFC 6455 writes it, with the shortest length that fits.
    fn frame(opcode: u8, payload: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { MASKED } else { 0 };
        let mut frame = vec![opcode];
        match payload {
            0..126 => frame.push(mask | u8::try_from(payload).unwrap()),
            126..=0xffff => {
                frame.push(mask | 126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend(u64::try_from(payload).unwrap().to_be_bytes());
            }
        }
        frame.extend(vec![0xaa; if masked { 4 } else { 0 }]);
        // What looks like a close frame inside a payload is none.
        frame.extend([0x88, 0x02].iter().cycle().take(payload));
        frame
    }

    #[test]
    fn a_close_frame_is_what_the_rfc_says() {
        assert_eq!(close_frame(1012, "bye"), [0x88, 5, 0x03, 0xf4, b'b', b'y', b'e']);
        assert_eq!(close_frame(1000, ""), [0x88, 2, 0x03, 0xe8]);
        let longest = close_frame(1000, &"x".repeat(123));
        assert_eq!((longest.len(), longest[1]), (127, 125));
        assert_eq!(close_frame(1000, &"x".repeat(124)).len(), 4);
        let mut frames = Frames::default();
        frames.pass(&longest);
        assert!(frames.is_between() && frames.is_closed());
    }

    #[test]
    fn boundaries_are_found_for_every_form_of_length() {
        for payload in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            for masked in [false, true] {
                let mut frames = Frames::default();
                assert!(frames.is_between());
                let bytes = frame(0x82, payload, masked);
                let (last, before) = bytes.split_last().unwrap();
                frames.pass(before);
                assert!(!frames.is_between(), "{payload} {masked}");
                frames.pass(&[*last]);
                assert!(frames.is_between() && !frames.is_closed(), "{payload} {masked}");
            }
        }
    }

    #[test]
    fn the_longest_length_there_is_ends_nowhere_near() {
        let mut frames = Frames::default();
        frames.pass(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
        assert!(!frames.is_between());
        assert_eq!(frames.rest_of_frame(&[0; 1000]), 1000);
    }

    proptest! {
        /// However bytes are cut into reads, boundaries are those of the frames.
        #[test]
        fn reads_may_be_cut_anywhere(
            sizes in proptest::collection::vec((0_usize..300, any::<bool>()), 1..8),
            cut in 1_usize..40,
        ) {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for (payload, masked) in &sizes {
                bytes.extend(frame(0x02, *payload, *masked));
                ends.push(bytes.len());
            }
            let mut frames = Frames::default();
            let mut passed = 0;
            for read in bytes.chunks(cut) {
                let next = ends.iter().find(|end| **end >= passed).copied().unwrap();
                let rest = frames.rest_of_frame(read);
                let expected = if frames.is_between() { 0 } else { (next - passed).min(read.len()) };
                prop_assert_eq!(rest, expected);
                frames.pass(read);
                passed += read.len();
                prop_assert_eq!(frames.is_between(), ends.contains(&passed));
                prop_assert!(!frames.is_closed());
            }
        }

        /// Whatever an upstream sends after its 101.
        #[test]
        fn nonsense_does_no_harm(bytes: Vec<u8>, more: Vec<u8>) {
            let mut frames = Frames::default();
            frames.pass(&bytes);
            let rest = frames.rest_of_frame(&more);
            prop_assert!(rest <= more.len());
            frames.pass(more.get(..rest).unwrap());
            prop_assert!(frames.is_between() || rest == more.len());
        }
    }
}
