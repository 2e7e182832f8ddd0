-- Commands that are typed into a prompt, the menu that shows them, and `! command`.

local child = require('support.child')
local test, equal, contains, lacks = child.test, child.equal, child.contains, child.lacks

local T = {}

local function open(nvim, fields)
  nvim:lua('T.session("s1", ...) require("agor.ui.prompt").focus("s1")', fields or vim.empty_dict())
  nvim:settle()
end

local LINES = 'vim.api.nvim_buf_get_lines(vim.fn.bufnr("^agor://s1/prompt$"), 0, -1, false)'
local MENU =
  'vim.tbl_map(function(item) return item.word end, vim.fn.complete_info({ "items" }).items)'
local SHOWN = 'vim.fn.pumvisible() == 1'

local OFFERS = {
  capabilities = {
    interrupt = true,
    commands = {
      { id = 'review', name = 'review', description = 'looks at the\nchanges' },
      { id = 'cost', name = 'cost', description = 'its own' },
    },
    models = {
      { id = 'big', name = 'Big', description = '' },
      { id = 'small', name = 'Small', description = '' },
    },
    set_model = true,
  },
}

T['a slash in the first column opens the menu, with descriptions, and nothing selected'] = test(
  nil,
  function(nvim)
    open(nvim, OFFERS)
    nvim:type('/')
    equal(nvim:get(SHOWN), true)
    local words = nvim:get(MENU)
    equal(vim.list_slice(words, 1, 4), { '/review', '/cost', '/model', '/mode' })
    equal(#vim.tbl_filter(function(word)
      return word == '/cost'
    end, words), 1)
    equal(nvim:get('vim.fn.complete_info({ "selected" }).selected'), -1)
    contains(nvim:screen(), 'looks at the changes')
    contains(nvim:screen(), 'take up an earlier session')
  end
)

T['what the agent offers only now joins the menu that is open, unless something is chosen'] = test(
  nil,
  function(nvim)
    open(nvim, { capabilities = { interrupt = true } })
    nvim:type('/')
    lacks(nvim:screen(), '/review')
    nvim:lua('T.session("s1", ...) require("agor.ui.prompt").refresh({ s1 = true })', OFFERS)
    nvim:settle()
    contains(nvim:screen(), '/review')
    nvim:type('<C-n>')
    nvim:lua(
      'T.session("s1", ...) require("agor.ui.prompt").refresh({ s1 = true })',
      { capabilities = { interrupt = true } }
    )
    nvim:settle()
    contains(nvim:screen(), '/review')
    equal(nvim:get('vim.api.nvim_get_current_line()'), '/review')
  end
)

T['the menu leaves most of the screen, and pumheight is as before afterwards'] = test(
  nil,
  function(nvim)
    local commands = {}
    for i = 1, 40 do
      commands[i] = { id = 'command' .. i, name = '', description = ('long '):rep(40) }
    end
    open(nvim, { capabilities = { interrupt = true, commands = commands } })
    nvim:type('/')
    equal(nvim:get('vim.fn.pum_getpos().height'), 12)
    -- No description is cut without a sign of it.
    contains(nvim:screen(), 'long…')
    nvim:type('comm')
    equal(nvim:get('vim.fn.pum_getpos().height'), 12)
    nvim:type('<C-e>')
    equal(nvim:get('vim.o.pumheight'), 0)
  end
)

T['a menu that was closed, or chosen from, does not come back for the same word'] = test(
  nil,
  function(nvim)
    open(nvim, OFFERS)
    nvim:type('/mo')
    nvim:type('<C-e>')
    equal(nvim:get(SHOWN), false)
    nvim:type('d')
    equal({ nvim:get(SHOWN), nvim:get(LINES) }, { false, { '/mod' } })
    nvim:type('<C-u>')
    nvim:type('/mo')
    equal(nvim:get(SHOWN), true)
    nvim:type('<C-n><C-n><C-y>')
    equal({ nvim:get(SHOWN), nvim:get(LINES) }, { false, { '/mode' } })
    -- The value is another word.
    nvim:type('<C-u>/model ')
    equal(nvim:get(SHOWN), true)
  end
)

T['typing goes on as if there were no menu'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:type('/mo')
  equal(nvim:get(MENU), { '/model', '/mode' })
  nvim:type('x and more<CR>second line')
  equal(nvim:get(SHOWN), false)
  equal(nvim:get(LINES), { '/mox and more', 'second line' })
  equal(nvim:mode(), 'i')
  nvim:type('<C-s>')
  equal(nvim:get('T.sent[1].text'), '/mox and more\nsecond line')
end)

T['Enter with the menu open and nothing selected is a new line'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:type('/mo<CR>x')
  equal(nvim:get(LINES), { '/mo', 'x' })
end)

T['a slash elsewhere opens nothing'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:type('see /')
  equal(nvim:get(SHOWN), false)
  nvim:type('usr<CR>/')
  equal(nvim:get(SHOWN), false)
  nvim:type('<Esc>ggI/<Esc>')
  equal(nvim:get(LINES), { '/see /usr', '/' })
end)

T['the menu is chosen from by its usual keys, and what is chosen is sent'] = test(
  nil,
  function(nvim)
    open(nvim, OFFERS)
    nvim:type('/')
    nvim:type('<Down>')
    equal(nvim:get('vim.fn.complete_info({ "selected" }).selected'), 0)
    -- Submitting takes what is selected.
    nvim:type('<C-s>')
    equal(nvim:get('T.sent[1].text'), '/review')
    equal(nvim:get(LINES), { '' })
    equal(nvim:mode(), 'i')
    nvim:type('/rev')
    nvim:type('<C-n><C-y> all<C-s>')
    equal(nvim:get('T.sent[2].text'), '/review all')
  end
)

T['C-x C-o completes too, and the values of a command'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:type('/model s')
  equal(nvim:get(SHOWN), true)
  equal(nvim:get(MENU), { 'small' })
  nvim:type('<C-n><C-y>')
  equal(nvim:get(LINES), { '/model small' })
  nvim:type('<C-u>/re<C-e><C-x><C-o>')
  equal(nvim:get(MENU), { '/review', '/resume' })
end)

T['after a ! files and programs are completed when asked for'] = test(nil, function(nvim)
  vim.fn.writefile({}, nvim.home .. '/completed.txt')
  open(nvim, OFFERS)
  nvim:type('! cat ' .. nvim.home .. '/compl')
  equal(nvim:get(SHOWN), false)
  nvim:type('<C-x><C-o>')
  equal(nvim:get(MENU), { nvim.home .. '/completed.txt' })
  nvim:type('<C-e><C-u>! pri<C-x><C-o>')
  equal(vim.list_contains(nvim:get(MENU), 'printf'), true)
end)

T['the menu opens below attachments'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:lua(
    'require("agor.ui.prompt").attach("s1", ...)',
    { path = 'a.rs', first_line = 1, last_line = 1, filetype = 'rust', text = 'x' }
  )
  nvim:type('/he')
  equal(nvim:get(MENU), { '/help' })
end)

T['a command of ours is done by us, and attachments wait for the next prompt'] = test(
  nil,
  function(nvim)
    open(nvim, OFFERS)
    nvim:lua(
      'require("agor.ui.prompt").attach("s1", ...)',
      { path = 'a.rs', first_line = 1, last_line = 1, filetype = 'rust', text = 'x' }
    )
    nvim:type('/model small<C-s>')
    equal(nvim:get('T.told("set_model")'), { { session_id = 's1', value = 'small' } })
    equal(nvim:get(LINES), { '#a.rs:1', '' })
    equal(nvim:get('T.sent'), {})
    nvim:type('/clear<C-s>')
    equal(nvim:get('T.told("clear")'), { { session_id = 's1' } })
    equal(nvim:get('require("agor.ui.drafts").history()'), { '/model small', '/clear' })
  end
)

T['what the agent offers itself goes to it, and so does what nobody knows'] = test(
  nil,
  function(nvim)
    open(nvim, OFFERS)
    for i, text in ipairs({ '/cost', '/unknown x', '/usr/bin/env is odd', '/', '//x' }) do
      nvim:type(text .. '<Esc><CR>i')
      equal(nvim:get(('T.sent[%d].text'):format(i)), text)
    end
  end
)

T['/cost says what was used'] = test(nil, function(nvim)
  open(nvim, {
    cost_usd = 0.25,
    input_tokens = 12300,
    output_tokens = 940,
    context_used = 50000,
    context_size = 200000,
  })
  nvim:type('/cost<C-s>')
  equal(nvim:get('T.messages'), {
    { 'info', 'claude: $0.25, 12.3k tokens in, 940 out, context 50k tokens of 200k (25 %)' },
  })
  nvim:lua(
    'T.session("s1", { cost_usd = 0, input_tokens = 0, output_tokens = 0 }) T.sessions.s1.context_used = nil'
  )
  nvim:type('/cost<C-s>')
  contains(nvim:get('T.messages[2][2]'), 'has not said yet')
end)

T['/fork says why there is no copy'] = test(nil, function(nvim)
  open(nvim, { capabilities = { interrupt = true } })
  nvim:type('/fork<C-s>')
  contains(nvim:get('T.messages[1][2]'), 'cannot copy a conversation')
  nvim:lua('T.session("s1", { capabilities = { interrupt = true, fork = true } })')
  nvim:type('/fork<C-s>')
  contains(nvim:get('T.messages[2][2]'), 'send a prompt first')
end)

T['a menu further right is cut with a sign of it too'] = test(nil, function(nvim)
  local model = { id = 'big', name = 'Big', description = ('long '):rep(40) }
  open(
    nvim,
    { capabilities = { set_model = true, models = { model, { id = 'little', name = '' } } } }
  )
  nvim:type('/model b')
  contains(nvim:screen(), 'big')
  contains(nvim:screen(), '…')
end)

T['/quit stops the session and closes the pane'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('/quit<C-s>')
  equal(nvim:get('T.calls'), { { 'stop', 's1' } })
  equal(nvim:get('require("agor.ui.pane").is_open()'), false)
  equal(nvim:get('vim.api.nvim_get_mode().mode'), 'n')
end)

T['/help lists the commands of the agent and ours'] = test(nil, function(nvim)
  open(nvim, OFFERS)
  nvim:type('/help<C-s>')
  local text = nvim:get('table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\\n")')
  contains(text, '/review')
  contains(text, 'looks at the changes')
  contains(text, '/export')
  contains(text, '! command')
  lacks(text, 'what the session has used')
  equal(nvim:get('vim.api.nvim_get_mode().mode'), 'n')
end)

T['! runs a command, and one that cannot be run comes back'] = test(nil, function(nvim)
  open(nvim)
  nvim:type('! make test | head<C-s>')
  equal(nvim:get('T.told("shell")'), { { session_id = 's1', command = 'make test | head' } })
  equal(nvim:get(LINES), { '' })
  nvim:type('<Up>')
  equal(nvim:get(LINES), { '! make test | head' })
  nvim:lua('T.answers_of.shell = "the directory is gone"')
  nvim:type('<C-s>')
  equal(nvim:get('T.messages'), { { 'error', 'the directory is gone' } })
  equal(nvim:get(LINES), { '! make test | head' })
  nvim:type('<C-u>!<C-s>')
  contains(nvim:get('T.messages[2][2]'), '! runs what follows it')
  equal(nvim:get('T.sent'), {})
end)

T['a draft is steered into the turn, and where it cannot it is said that it waits'] = test(
  nil,
  function(nvim)
    open(nvim, { busy = true, capabilities = { steer = true } })
    nvim:type('not there<M-s>')
    equal(
      nvim:get('T.sent[1]'),
      { text = 'not there', opts = { session = 's1', context = {}, steer = true } }
    )
    equal(nvim:get('T.messages'), {})
    nvim:lua('T.session("s1", { capabilities = { interrupt = true } })')
    nvim:type('here<Esc>g<CR>')
    equal(nvim:get('T.sent[2].opts.steer'), true)
    contains(nvim:get('T.messages[1][2]'), "this waits for the turn's end")
  end
)

return T
