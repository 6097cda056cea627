import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/** Answers as X-Do says, and keeps what it saw: /__take on its second port gives that, a line each, and forgets it. */
public class Echo {
  private static final List<String> seen = new ArrayList<>();

  public static void main(String[] args) throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", Echo::answer);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
    HttpServer control = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    control.createContext("/", Echo::take);
    control.start();
    System.out.println("ports " + server.getAddress().getPort() + " " + control.getAddress().getPort());
  }

  private static void answer(HttpExchange exchange) throws IOException {
    String line = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    StringBuilder text = new StringBuilder(line);
    new TreeMap<>(exchange.getRequestHeaders())
        .forEach((name, values) -> values.forEach(value -> text.append('\t').append(name).append(": ").append(value)));
    text.append('\t').append(digest(exchange.getRequestBody()));
    synchronized (seen) {
      seen.add(text.toString());
    }
    String told = exchange.getRequestHeaders().getFirst("X-Do");
    String[] words = (told == null ? "" : told).split(" ");
    int number = words.length > 1 ? Integer.parseInt(words[1]) : 0;
    boolean bodiless = exchange.getRequestMethod().equals("HEAD");
    byte[] body = line.getBytes("ISO-8859-1");
    exchange.getResponseHeaders().add("X-Many", "one");
    exchange.getResponseHeaders().add("X-Many", "two");
    switch (words[0]) {
      case "status" -> exchange.sendResponseHeaders(number, -1);
      case "length" -> send(exchange, new byte[number], number, bodiless);
      case "chunked" -> send(exchange, new byte[number], 0, bodiless);
      default -> send(exchange, body, body.length, bodiless);
    }
    exchange.close();
  }

  private static void send(HttpExchange exchange, byte[] body, long length, boolean bodiless) throws IOException {
    exchange.sendResponseHeaders(200, bodiless ? -1 : length);
    if (!bodiless) exchange.getResponseBody().write(body);
  }

  private static String digest(InputStream body) throws IOException {
    try {
      byte[] bytes = body.readAllBytes();
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
      return bytes.length + " " + HexFormat.of().formatHex(hash).substring(0, 16);
    } catch (java.security.NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    } catch (IOException error) {
      return "cut";
    }
  }

  private static void take(HttpExchange exchange) throws IOException {
    byte[] body;
    synchronized (seen) {
      body = String.join("\n", seen).getBytes("ISO-8859-1");
      seen.clear();
    }
    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
