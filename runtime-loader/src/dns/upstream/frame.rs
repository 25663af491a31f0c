//! Messages over a connection: each after its length (RFC 1035, section 4.2.2).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Reads the next message; none if the other side ends between two of them.
///
/// # Errors
///
/// The connection breaks, also in the middle of a message.
pub async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if reader.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut length[1..]).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    reader.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Writes a message, in one piece with its length: some clients read no further than the first segment.
///
/// # Errors
///
/// The connection breaks, or the message is longer than its length can say.
pub async fn write(writer: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut bytes = Vec::with_capacity(message.len() + 2);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(message);
    writer.write_all(&bytes).await
}
