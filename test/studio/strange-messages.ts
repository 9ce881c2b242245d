/** Messages that no page sends: most of them nearly right. */
import fc from 'fast-check';
import { METHOD_NAMES } from '../../src/studio/methods.ts';

const almost = fc.record(
  {
    v: fc.constantFrom(1, 1, 1, 2, '1', null),
    id: fc.oneof(fc.nat(), fc.jsonValue()),
    re: fc.jsonValue(),
    ack: fc.jsonValue(),
    event: fc.jsonValue(),
    call: fc.oneof(fc.constantFrom(...METHOD_NAMES, 'dispose', 'subscribe', 'constructor', '__proto__'), fc.string()),
    args: fc.oneof(fc.array(fc.jsonValue(), { maxLength: 3 }), fc.jsonValue()),
    read: fc.record({ file: fc.jsonValue(), from: fc.jsonValue(), to: fc.jsonValue() }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

/** A header, and parts beside it. */
export const strangeMessage = () =>
  fc.record({
    header: fc.oneof(almost, almost, almost, fc.anything()),
    parts: fc.array(fc.oneof(fc.uint8Array(), fc.anything()), { maxLength: 2 }),
  });

/** A header as JSON has it. */
export const strangeHeader = () => fc.oneof(almost, fc.jsonValue());
