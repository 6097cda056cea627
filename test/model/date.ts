import t from 'tap';
import { isMoment } from '../../src/model/date.ts';

for (const text of [
  '2027-01-31',
  '2028-02-29',
  '2027-01-31T12:00Z',
  '2027-01-31T12:00:00.5+02:00',
  '2027-01-31T12:00:00Z',
  '2027-01-31T12:00:00.123Z',
])
  t.ok(isMoment(text), text);
for (const text of [
  ...['2027-02-31', '2027-02-29', '2027-13-01', 'forever 9999', '2027-1-1', '2027', ' 2027-01-31', '2027-01-31 '],
  ...[
    '2027-01-31T12:00',
    '2027-01-31T25:00Z',
    'January 31, 2027',
    '+012027-01-31',
    '',
    20270131,
    1.8e12,
    null,
    undefined,
  ],
  ...[['2027-01-31'], new Date()],
])
  t.notOk(isMoment(text), String(text));
