import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads a zip from standard input, front to back, and prints SHA-256 and name (UTF-8 in hex) of each entry. */
class ReadFromPipe {
  public static void main(String[] arguments) throws Exception {
    var hex = HexFormat.of();
    try (var zip = new ZipInputStream(System.in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        var digest = MessageDigest.getInstance("SHA-256");
        // Not read whole: an entry may be larger than any array.
        zip.transferTo(new DigestOutputStream(OutputStream.nullOutputStream(), digest));
        var name = entry.getName().getBytes(StandardCharsets.UTF_8);
        System.out.println(hex.formatHex(digest.digest()) + " " + hex.formatHex(name));
      }
    }
  }
}
