import t from 'tap';
import { repliesIn } from '../support/fuzz/replies.ts';

t.test('replies that can be read by two ways each are read in time', async (t) => {
  const head = 'HTTP/1.1 103 Early Hints\r\n\r\n';
  t.throws(() => repliesIn(`${head.repeat(500)}x`), /no HTTP/);
  t.equal(repliesIn(head.repeat(500)).length, 500);
  t.match(repliesIn('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'), [{ status: 200, body: '{}', whole: true }]);
  t.match(
    repliesIn('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n').map(
      ({ status }) => status,
    ),
    [200, 204],
    'the first answers a HEAD',
  );
});
