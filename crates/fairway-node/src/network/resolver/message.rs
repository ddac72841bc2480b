//! DNS messages (RFC 1035, 6891): as much as questions about Services and answers to them need. Whatever comes in, nothing
//! here panics, and no answer is much longer than its question (a reflector would gain nothing).

use std::net::IpAddr;

/// Seconds that answers stay valid: Services come and go while someone works on them.
const TTL: u32 = 5;
const HEADER: usize = 12;
/// The longest answer in a datagram when the asker says nothing, and the longest whatever it says.
const PLAIN_LIMIT: usize = 512;
const EDNS_LIMIT: u16 = 1232;

pub(in crate::network) const A: u16 = 1;
pub(super) const SOA: u16 = 6;
pub(super) const PTR: u16 = 12;
pub(super) const AAAA: u16 = 28;
pub(super) const SRV: u16 = 33;
const OPT: u16 = 41;
pub(in crate::network) const ANY: u16 = 255;
const INTERNET: u16 = 1;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::network) struct Query {
    id: u16,
    recursion: bool,
    /// Its labels in lower case.
    pub(in crate::network) name: Vec<String>,
    pub(in crate::network) kind: u16,
    /// Name, type and class as they came, to be sent back.
    question: Vec<u8>,
    /// The datagram that the asker takes, if it says so.
    edns: Option<u16>,
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    Query(Query),
    /// Answered with an error at once.
    Refused(Vec<u8>),
    /// Not a question at all: answering could make two servers talk for ever.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) enum Rcode {
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::network) struct Reply {
    pub(in crate::network) rcode: Rcode,
    /// All of them belong to the name that was asked for.
    pub(in crate::network) answers: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::network) enum Record {
    Address(IpAddr),
    Service { port: u16, target: Vec<String> },
}

impl Reply {
    pub(in crate::network) fn failure(rcode: Rcode) -> Self {
        Self { rcode, answers: Vec::new() }
    }

    pub(in crate::network) fn of(answers: Vec<Record>) -> Self {
        Self { rcode: Rcode::NoError, answers }
    }
}

/// Bytes being read; every step may find the end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|it| it[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|it| u16::from_be_bytes([it[0], it[1]]))
    }

    /// A name without compression: in a question there is nothing to point to.
    fn name(&mut self) -> Option<Vec<String>> {
        let (start, mut labels) = (self.at, Vec::new());
        loop {
            let length = self.u8()?;
            if length == 0 {
                return (self.at - start <= 255).then_some(labels);
            }
            if length > 63 {
                return None;
            }
            // What is not UTF-8 becomes a label that no Service can have.
            let label = String::from_utf8_lossy(self.take(usize::from(length))?).to_ascii_lowercase();
            labels.push(label);
        }
    }
}

/// Reads a message.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut reader = Reader { bytes, at: 0 };
    let Some((id, flags)) = reader.u16().zip(reader.u16()) else { return Parsed::Nothing };
    if bytes.len() < HEADER || flags & 0x8000 != 0 {
        return Parsed::Nothing;
    }
    let refused = |rcode| Parsed::Refused(header(id, flags & 0x0100 != 0, rcode, [0; 4]));
    if flags & 0x7800 != 0 {
        return refused(Rcode::NotImplemented);
    }
    let counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()].map(Option::unwrap_or_default);
    if counts[0] != 1 || counts[1] != 0 || counts[2] != 0 {
        return refused(Rcode::FormatError);
    }
    let Some(query) = question(&mut reader, id, flags, counts[3]) else { return refused(Rcode::FormatError) };
    match query {
        Ok(query) => Parsed::Query(query),
        Err(rcode) => refused(rcode),
    }
}

/// The question and the OPT record, if there is one; `None` is a broken message.
fn question(reader: &mut Reader<'_>, id: u16, flags: u16, additional: u16) -> Option<Result<Query, Rcode>> {
    let start = reader.at;
    let name = reader.name()?;
    let (kind, class) = (reader.u16()?, reader.u16()?);
    let question = reader.bytes.get(start..reader.at)?.to_vec();
    let mut edns = None;
    for _ in 0..additional {
        let owner = reader.name()?;
        let (kind, class) = (reader.u16()?, reader.u16()?);
        reader.take(4)?;
        let length = reader.u16()?;
        reader.take(usize::from(length))?;
        if kind == OPT {
            if edns.is_some() || !owner.is_empty() {
                return None;
            }
            edns = Some(class);
        }
    }
    if class != INTERNET {
        return Some(Err(Rcode::Refused));
    }
    Some(Ok(Query { id, recursion: flags & 0x0100 != 0, name, kind, question, edns }))
}

fn header(id: u16, recursion: bool, rcode: Rcode, counts: [u16; 4]) -> Vec<u8> {
    // An answer, by authority, recursion as desired and available: without the last some clients look elsewhere.
    let flags = 0x8400 | (u16::from(recursion) << 8) | 0x0080 | rcode as u16;
    [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

/// Writes an answer; one too long for a datagram says that it is cut and carries nothing.
pub(super) fn encode(query: &Query, reply: &Reply, stream: bool) -> Vec<u8> {
    let limit = query.edns.map_or(PLAIN_LIMIT, |it| usize::from(it.clamp(512, EDNS_LIMIT)));
    let whole = write(query, reply);
    if stream || whole.len() <= limit {
        return whole;
    }
    let mut cut = write(query, &Reply::failure(reply.rcode));
    cut[2] |= 0x02;
    cut
}

fn write(query: &Query, reply: &Reply) -> Vec<u8> {
    let answers: Vec<Vec<u8>> = reply.answers.iter().map(record).collect();
    let negative = answers.is_empty() && matches!(reply.rcode, Rcode::NoError | Rcode::NoSuchName);
    let counts =
        [1, u16::try_from(answers.len()).unwrap_or(u16::MAX), u16::from(negative), u16::from(query.edns.is_some())];
    let mut out = header(query.id, query.recursion, reply.rcode, counts);
    out.extend(&query.question);
    out.extend(answers.concat());
    if negative {
        out.extend(start_of_authority());
    }
    if query.edns.is_some() {
        out.push(0);
        out.extend([OPT, EDNS_LIMIT, 0, 0, 0].into_iter().flat_map(u16::to_be_bytes));
    }
    out
}

/// A record of the name that was asked for (which stands right behind the header).
fn record(record: &Record) -> Vec<u8> {
    let (kind, data) = match record {
        Record::Address(IpAddr::V4(it)) => (A, it.octets().to_vec()),
        Record::Address(IpAddr::V6(it)) => (AAAA, it.octets().to_vec()),
        Record::Service { port, target } => {
            let mut data: Vec<u8> = [0, 100, *port].into_iter().flat_map(u16::to_be_bytes).collect();
            data.extend(name(target));
            (SRV, data)
        }
    };
    resource(&[0xc0, 0x0c], kind, &data)
}

/// What makes "there is no such thing" cachable: the zone's own record.
fn start_of_authority() -> Vec<u8> {
    let zone = ["cluster".to_owned(), "local".to_owned()];
    let server = [&["ns".to_owned(), "dns".to_owned()], &zone[..]].concat();
    let master = [&["hostmaster".to_owned()], &zone[..]].concat();
    let mut data = [name(&server), name(&master)].concat();
    data.extend([1, 7200, 1800, 86400, TTL].into_iter().flat_map(u32::to_be_bytes));
    resource(&name(&zone), SOA, &data)
}

fn resource(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut out = owner.to_vec();
    out.extend([kind, INTERNET].into_iter().flat_map(u16::to_be_bytes));
    out.extend(TTL.to_be_bytes());
    out.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(data);
    out
}

fn name(labels: &[String]) -> Vec<u8> {
    let labels = labels.iter().filter(|it| it.len() <= 63);
    let mut out: Vec<u8> = Vec::new();
    for label in labels {
        out.extend(u8::try_from(label.len()));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

#[cfg(test)]
pub(in crate::network) mod tests;
