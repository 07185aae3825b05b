declare module 'crc-32/crc32c.js' {
  const checksum: { buf(bytes: Uint8Array): number };
  export default checksum;
}
