import t from 'tap';
import { type Answer, TextAnswer, withBody, withHeaders } from '../../src/model/answer.ts';

const bytes: Answer = { status: 200, headers: { a: '1' }, body: Buffer.from('é'), items: 2 };
const text = new TextAnswer(200, { a: '1' }, 'é', 2);

const seen = ({ status, headers, body, text, items }: Answer) => ({
  ...{ status, headers, body: body.toString(), text, items },
});

t.test('a text is made bytes once, and only for who looks', async (t) => {
  t.equal(text.body, text.body);
  t.same(text.body, bytes.body);
});

for (const [name, answer] of Object.entries({ bytes, text }))
  t.test(`a copy of an answer of ${name}`, async (t) => {
    const other = withHeaders(answer, { b: '2' });
    t.strictSame(seen(other), { ...seen(answer), headers: { b: '2' } }, 'differs in its headers alone');
    const changed = withBody(answer, Buffer.from('new'));
    t.strictSame(
      seen(changed),
      { ...seen(answer), body: 'new', text: undefined },
      'has nothing left of the other body',
    );
    for (const one of [other, changed]) t.ok(Object.isFrozen(one));
  });
