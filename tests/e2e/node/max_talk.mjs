// A bot on the official client of MAX: it echoes, edits, answers presses and sends files, by long polling.
//
//     node max_talk.mjs http://127.0.0.1:8081 TOKEN path/to/a/file
//
// Prints one line of JSON per event; ends on SIGTERM.

import { Bot, Keyboard } from '@maxhub/max-bot-api';

const [base, token, path] = process.argv.slice(2);
const bot = new Bot(token, { clientOptions: { baseUrl: base } });

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

bot.catch((error) => say('error', { status: error.status, code: error.code, message: String(error.message) }));

bot.on('bot_started', (ctx) => ctx.reply(`payload: ${ctx.startPayload}`));

bot.on('message_callback', async (ctx) => {
  await ctx.answerOnCallback({
    message: { text: `pressed: ${ctx.callback.payload}`, attachments: [] },
    notification: 'ok',
  });
});

const commands = {
  buttons: (ctx) => ctx.reply('**Помогло?**', {
    format: 'markdown',
    attachments: [Keyboard.inlineKeyboard([
      [Keyboard.button.callback('Да', 'yes'), Keyboard.button.callback('Нет', 'no')],
      [Keyboard.button.link('Сайт', 'https://example.ru'), Keyboard.button.requestContact('Телефон')],
    ])],
  }),
  edit: async (ctx) => {
    const sent = await ctx.reply('before');
    await bot.api.editMessage(sent.body.mid, { text: '<b>after</b>', format: 'html' });
    const read = await bot.api.getMessage(sent.body.mid);
    await bot.api.deleteMessage(sent.body.mid);
    say('edited', { text: read.body.text, markup: read.body.markup });
  },
  files: async (ctx) => {
    const source = Buffer.from('bytes of a file');
    const uploads = [
      ['image', await bot.api.uploadImage({ source })],
      ['image', await bot.api.uploadImage({ source: path })],
      ['file', await bot.api.uploadFile({ source: path })],
      ['video', await bot.api.uploadVideo({ source: path })],
      ['audio', await bot.api.uploadAudio({ source })],
    ];
    for (const [kind, upload] of uploads) {
      const sent = await ctx.reply(kind, { attachments: [upload.toJson()] });
      say('file', { kind, attachment: sent.body.attachments[0] });
    }
  },
  about: async (ctx) => {
    await ctx.sendAction('typing_on');
    const me = await bot.api.getMyInfo();
    const chat = await ctx.getChat();
    const { commands: kept } = await bot.api.setMyCommands([{ name: 'start', description: 'В начало' }]);
    say('about', { me: me.user_id, chat: chat.chat_id, type: chat.type, commands: kept });
  },
};

bot.on('message_created', async (ctx) => {
  const { text } = ctx.message.body;
  await (commands[text] ?? (() => ctx.reply(`echo: ${text}`)))(ctx);
});

process.on('SIGTERM', () => bot.stopPolling());
say('ready');
await bot.start();
