//! What a client is heard and told over: a socket, or a pipe in memory.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Both directions of a client's bytes.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + 'static {
    type Reader: AsyncRead + Unpin + 'static;
    type Writer: WriterHalf + 'static;

    /// What is written leaves at once.
    fn hurry(&self) -> std::io::Result<()>;

    /// Each direction by itself.
    fn halves(self) -> (Self::Reader, Self::Writer);
}

/// The direction to a client.
pub(crate) trait WriterHalf: AsyncWrite + Unpin {
    /// Ends it as if the venue had crashed.
    fn reset(self);
}

impl Wire for TcpStream {
    type Reader = OwnedReadHalf;
    type Writer = OwnedWriteHalf;

    fn hurry(&self) -> std::io::Result<()> {
        self.set_nodelay(true)
    }

    fn halves(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }
}

impl WriterHalf for OwnedWriteHalf {
    fn reset(self) {
        // A socket without linger that is closed without shutdown is reset.
        let _ = self.as_ref().set_zero_linger();
        self.forget();
    }
}

impl Wire for DuplexStream {
    type Reader = ReadHalf<Self>;
    type Writer = WriteHalf<Self>;

    fn hurry(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn halves(self) -> (ReadHalf<Self>, WriteHalf<Self>) {
        tokio::io::split(self)
    }
}

impl WriterHalf for WriteHalf<DuplexStream> {
    fn reset(self) {
        // The pipe ends once the other half is gone, too.
    }
}
