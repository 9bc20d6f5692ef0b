// Every word that the chat itself shows, in both languages; the loader has the few of its button. What the bot says
// comes from the bot.

export const WORDS = {
  ru: {
    close: "Свернуть чат", renew: "Новый диалог", welcome: "Чем помочь?",
    welcomeText: "Спросите своими словами: бот ответит сразу, в любое время.",
    topics: "Часто спрашивают", label: "Ваш вопрос", placeholder: "Напишите вопрос", send: "Отправить",
    note: "Отвечает бот. Не присылайте пароли и номера карт.", jump: "Новое сообщение", log: "Переписка",
    askTitle: "Начать новый диалог?", askText: "Переписка исчезнет с этой страницы. Вернуть её будет нельзя.",
    askNo: "Оставить", askYes: "Начать новый",
    connecting: "Подключаемся…", online: "На связи", offline: "Нет связи", resting: "На паузе",
    lost: "Нет связи, переподключаемся…", queued: "Нет связи, отправим, когда появится",
    record: "Переписка пока не загрузилась, пробуем ещё раз",
    bot: "Бот:", agent: "Оператор:", agentName: "Оператор", me: "Вы:", sending: "Отправляем…",
    waiting: "Ещё не отправлено", failed: "Не отправлено.", again: "Повторить", edited: "изменено",
    notPressed: "Кнопка не сработала, попробуйте ещё раз", opens: "откроется в новой вкладке",
    tooFast: "Слишком много сообщений подряд. Отправьте ещё раз через {n} с.",
    attach: "Приложить файл", download: "Скачать {name}", tooLarge: "Файл больше {n} МБ, такой не отправить.",
    wrongType: "Файлы такого вида здесь не принимаются.", notSaved: "Файл не скачался, попробуйте ещё раз",
    kb: "КБ", mb: "МБ", notAllowed: "Этот сайт ещё не подключён к чату.",
  },
  en: {
    close: "Close the chat", renew: "New chat", welcome: "How can I help?",
    welcomeText: "Ask in your own words: the bot answers at once, at any time.",
    topics: "People often ask", label: "Your question", placeholder: "Type your question", send: "Send",
    note: "A bot is answering. Don't send passwords or card numbers.", jump: "New message", log: "Conversation",
    askTitle: "Start a new chat?", askText: "The messages will disappear from this page. This can't be undone.",
    askNo: "Keep it", askYes: "Start new",
    connecting: "Connecting…", online: "Online", offline: "Offline", resting: "Paused",
    lost: "Connection lost, reconnecting…", queued: "No connection, it will be sent once there is one",
    record: "The conversation hasn't loaded yet, trying again",
    bot: "Bot:", agent: "Agent:", agentName: "Agent", me: "You:", sending: "Sending…",
    waiting: "Not sent yet", failed: "Not sent.", again: "Retry", edited: "edited",
    notPressed: "The button didn't work, please try again", opens: "opens in a new tab",
    tooFast: "Too many messages in a row. Send it again in {n} s.",
    attach: "Attach a file", download: "Download {name}", tooLarge: "The file is larger than {n} MB, it can't be sent.",
    wrongType: "Files of this kind aren't taken here.", notSaved: "The file wasn't downloaded, please try again",
    kb: "KB", mb: "MB", notAllowed: "This site isn't connected to the chat yet.",
  },
};

export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (slot, name) => values[name] ?? slot);
}
