/** The program of Studio's worker (`openStudioEngine`), whose options are its name. */

import { createEngine } from '../../studio/create-engine.ts';
import { type PortLike, portChannel } from '../../studio/port-channel.ts';
import { serve } from '../../studio/serve.ts';
import { browserStudioHost } from './studio-host.ts';

serve(createEngine(browserStudioHost(JSON.parse(self.name))), portChannel(self as unknown as PortLike));
