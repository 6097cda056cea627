import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** Imported before a program: writes the modules that it loaded to `LOADED_FILE` when it ends. */
const urls = [];
registerHooks({
  load(url, context, next) {
    urls.push(url);
    return next(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env.LOADED_FILE, JSON.stringify(urls)));
