--- Sending the draft: now, into the turn that runs, or when its time has come; or back to its place in the queue.
---
--- What becomes of it after that is the backend's business.

local M = {}

---@alias agor.How 'queue'|'steer'|'interrupt'

--- Why a prompt waits although it was to join the turn, if the user could not see that coming.
---@param session agor.Row
---@param text string
---@param contexts agor.Context[]
---@param images string[]
---@return string?
local function obstacle(session, text, contexts, images)
  if not session.capabilities.steer then
    return ("%s takes nothing in while it works: this waits for the turn's end"):format(
      session.provider
    )
  elseif vim.startswith(text, '/') then
    return "A command cannot join the turn that runs: this waits for the turn's end"
  elseif #images > 0 then
    return "An image cannot join the turn that runs: this waits for the turn's end"
  end
  for _, context in ipairs(contexts) do
    -- What git says is read when it is sent.
    if context.word and context.text == '' then
      local waits = "%s cannot join the turn that runs: this waits for the turn's end"
      return waits:format(context.word)
    end
  end
end

--- Takes the words out of the draft, as one undo step.
---@param buf integer
---@param text string for the history
---@param left string[] lines that stay
local function take(buf, text, left)
  local prompt = require('agor.ui.prompt')
  local state = prompt.state(buf) --[[@as agor.PromptState]]
  local session = require('agor.mirror').get(state.session_id)
  require('agor.ui.drafts').remember(text, session and session.cwd or nil)
  prompt.set(buf, vim.list_extend(left, { '' }))
end

---@param session_id string
local function over(session_id)
  local text = 'session %s is over and only shown from its journal: your draft stays, '
    .. ':Agor resume %s takes it up again'
  require('agor.message').error(text:format(session_id, session_id))
end

---@param buf integer
---@param how agor.How? what `queue.mode` says if left out
function M.submit(buf, how)
  local prompt = require('agor.ui.prompt')
  local state = prompt.state(buf) --[[@as agor.PromptState]]
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local contexts, text, count, images = require('agor.ui.draft').split(state, lines)
  local editing = state.editing
  if text == '' and count == 0 then
    if editing then
      require('agor.ui.prompt_edit').leave(buf)
    end
    return
  end
  local session = require('agor.mirror').get(state.session_id)
  if not session then
    return over(state.session_id)
  end
  local ours = not editing
    and require('agor.slash').of(session, text, function()
      prompt.restore(state.session_id, { text = text })
    end)
  if ours then
    -- Attachments are for the agent: they wait for the next prompt.
    take(buf, text, vim.list_slice(lines, 1, count))
    ours()
    return
  end
  local mentioned, missing = require('agor.mentions').of(text, session)
  if not mentioned then
    require('agor.message').error(missing or 'a #word stands for nothing')
    return
  end
  vim.list_extend(contexts, mentioned)
  local wanted = how or require('agor.config').get().queue.mode
  local ok, err = require('agor').send(text, {
    session = state.session_id,
    context = contexts,
    images = #images > 0 and images or nil,
    steer = wanted == 'steer' or nil,
    now = wanted == 'interrupt' or nil,
    entry = editing and editing.entry or nil,
  })
  if not ok then
    require('agor.message').error(err or 'The prompt could not be sent')
    return
  end
  if editing then
    require('agor.ui.prompt_edit').done(buf, text)
    return
  end
  -- What is configured is said by the line about what waits; a key is an order.
  local waits = how == 'steer' and session.busy and obstacle(session, text, contexts, images)
  if waits then
    require('agor.message').info(waits)
  end
  take(buf, text, {})
end

return M
