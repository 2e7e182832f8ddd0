--- The keys of a prompt, and what those do that only look: at an attachment, or at where it comes from. Sending and the
--- history are `prompt.lua`'s business.

local api = vim.api

local M = {}

--- Keys in place of the one that was typed: before those that have been typed since.
---@param keys string
---@param how 'n'|'m' without mappings or with them
local function feed(keys, how)
  api.nvim_feedkeys(vim.keycode(keys), 'i' .. how, false)
end

---@param buf integer
---@param state agor.PromptState
---@return agor.Context|agor.ImageAttachment|nil
local function attachment_here(buf, state)
  local row = api.nvim_win_get_cursor(0)[1]
  local lines = api.nvim_buf_get_lines(buf, 0, -1, false)
  local _, _, count = require('agor.ui.draft').split(state, lines)
  if row <= count then
    return state.attachments[api.nvim_get_current_line()]
  end
end

--- What git would say now, if the cursor is still there when it has said it.
---@param context agor.Context
---@param state agor.PromptState
local function show_later(context, state)
  local buf, cursor = api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)
  local params = { session_id = state.session_id, context = context }
  require('agor.tell')('gather', params, function(found)
    context.text = table.concat(vim.fn.readfile(found.text_file), '\n')
    vim.uv.fs_unlink(found.text_file)
    local here = api.nvim_get_current_buf() == buf
      and vim.deep_equal(api.nvim_win_get_cursor(0), cursor)
    if here then
      require('agor.ui.draft').peek(context)
    end
  end)
end

--- What a `#word` would bring along now.
---@param mention agor.Mention
---@param state agor.PromptState
local function show_mention(mention, state)
  local session = require('agor.mirror').get(state.session_id)
  if not session then
    return
  end
  local contexts, why = require('agor.mentions').gather(mention, session)
  if not contexts then
    require('agor.message').warn(why or mention.word)
  elseif #contexts > 1 then
    local names = vim.tbl_map(function(context)
      return context.path
    end, contexts)
    local all = { word = mention.word, path = '', text = table.concat(names, '\n') }
    require('agor.ui.draft').peek(all --[[@as agor.Context]])
  elseif contexts[1].text == '' then
    show_later(contexts[1], state)
  else
    require('agor.ui.draft').peek(contexts[1])
  end
end

--- Elsewhere it does nothing: 'keywordprg' has no answer to a word of a prompt.
---@param buf integer
---@param state agor.PromptState
local function show_attachment(buf, state)
  local context = attachment_here(buf, state)
  if context then
    return require('agor.ui.draft').peek(context)
  end
  local col = api.nvim_win_get_cursor(0)[2]
  local mention = require('agor.mentions').at(api.nvim_get_current_line(), col)
  if mention then
    show_mention(mention, state)
  end
end

--- The next entry of the menu, as `<S-Tab>` is the one before; without a menu the first, once the menu is there. Elsewhere
--- what the key is without us.
---@param buf integer
local function next_entry(buf)
  if vim.fn.pumvisible() == 1 then
    feed('<C-n>', 'n')
  elseif vim.snippet.active({ direction = 1 }) then
    vim.snippet.jump(1)
  elseif not require('agor.ui.prompt_menu').take_first(buf) then
    feed('<Tab>', 'n')
  end
end

---@param path string
local function show_image(path)
  local ok, job, failed = pcall(vim.ui.open, path)
  if not ok or not job then
    local text = '%s cannot be shown: %s'
    require('agor.message').warn(text:format(path, tostring(ok and failed or job)))
  end
end

---@param buf integer
---@param state agor.PromptState
local function go_to_attachment(buf, state)
  local context = attachment_here(buf, state)
  if not context then
    require('agor.ui.jump').to_file(state.session_id)
    return
  elseif context.image then
    show_image(context.image)
    return
  end
  local session = require('agor.mirror').get(state.session_id)
  local path = context.path
  if path == '' then
    require('agor.message').warn('This attachment comes from a buffer without a name: K shows it')
    return
  end
  if path:sub(1, 1) ~= '/' then
    path = vim.fs.joinpath(session and session.cwd or vim.fn.getcwd(), path)
  end
  local stat = vim.uv.fs_stat(path)
  if not stat or stat.type ~= 'file' then
    require('agor.message').warn(('%s is not there: K shows what was attached'):format(path))
    return
  end
  require('agor.ui.jump').open(path, context.first_line > 0 and context.first_line or nil)
end

--- A key that submits while a menu is open first takes what is selected there.
---@param buf integer
---@param name string of the `<Plug>`
---@param how agor.How?
local function submit(buf, name, how)
  if vim.fn.pumvisible() == 0 then
    return require('agor.ui.prompt_send').submit(buf, how)
  end
  -- The second comes before the first.
  feed(('<Plug>(agor-%s)'):format(name), 'm')
  feed('<C-y>', 'n')
end

---@param state agor.PromptState
local function interrupt(state)
  local ok, err = require('agor').interrupt(state.session_id)
  if not ok then
    require('agor.message').error(err or 'The turn could not be interrupted')
  end
end

---@param buf integer
---@param state agor.PromptState
---@param up_or_down fun(buf: integer, step: integer, fallback: string) through the history
---@return agor.Key[]
function M.list(buf, state, up_or_down)
  local function key(modes, lhs, name, desc, run)
    return { modes = modes, lhs = lhs, name = name, desc = desc, run = run }
  end
  -- What <CR> does not do: which of these has the key depends on that.
  local mode = require('agor.config').get().queue.mode
  local free = mode == 'queue' and 'steer' or 'queue'
  local WAYS = {
    steer = { 'steer', 'send it into the turn that runs' },
    queue = { 'queue-prompt', 'send it when the turn has ended' },
    interrupt = { 'send-now', 'interrupt the turn and send it' },
  }
  local function other(modes, lhs, how)
    local name, desc = unpack(WAYS[how])
    return key(modes, how == free and lhs or '', name, desc, function()
      submit(buf, name, how)
    end)
  end
  return {
    key('n', '<CR>', 'submit', 'send the prompt', function()
      submit(buf, 'submit')
    end),
    key('i', '<C-s>', 'submit', 'send the prompt', function()
      submit(buf, 'submit')
    end),
    other('n', 'g<CR>', 'steer'),
    other('i', '<M-s>', 'steer'),
    other('n', 'g<CR>', 'queue'),
    other('i', '<M-s>', 'queue'),
    other('n', '', 'interrupt'),
    other('i', '', 'interrupt'),
    key('n', '<C-c>', 'interrupt', 'interrupt the agent', function()
      interrupt(state)
    end),
    key('ni', '<S-Tab>', 'cycle-mode', "the agent's next mode", function()
      if vim.fn.pumvisible() == 1 then
        return feed('<C-p>', 'n')
      end
      require('agor.choices').cycle_mode(require('agor.mirror').get(state.session_id))
    end),
    {
      modes = 'i',
      lhs = '<Tab>',
      name = 'menu-next',
      desc = 'the next entry of the menu',
      run = function()
        next_entry(buf)
      end,
      yields = true,
    },
    key('ni', '<Up>', 'history-prev', 'an earlier prompt, from the first line', function()
      up_or_down(buf, -1, '<Up>')
    end),
    key('ni', '<Down>', 'history-next', 'a later prompt, from the last line', function()
      up_or_down(buf, 1, '<Down>')
    end),
    key('n', 'K', 'show-attachment', 'show the attachment, or what a #word stands for', function()
      show_attachment(buf, state)
    end),
    key('n', 'gf', 'goto-file', 'go to the attachment', function()
      go_to_attachment(buf, state)
    end),
    key('n', 'g?', 'help', 'these keys', function()
      require('agor.ui.help').open(buf)
    end),
  }
end

return M
