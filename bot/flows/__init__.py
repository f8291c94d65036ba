"""The conversations: one file each, named after what the person wants."""

from bot.engine.flow import Flow
from bot.flows.away import Away
from bot.flows.draft import Draft
from bot.flows.human import TalkToHuman
from bot.flows.join import Join
from bot.flows.language import ChooseLanguage
from bot.flows.menu import Menu
from bot.flows.my_data import MyData
from bot.flows.my_profile import MyProfile
from bot.flows.my_reports import MyReports
from bot.flows.own_words import OwnWords
from bot.flows.report_tension import ReportTension
from bot.flows.withdraw import WithdrawReport

FLOWS: tuple[type[Flow], ...] = (
    ChooseLanguage,
    Menu,
    ReportTension,
    MyReports,
    WithdrawReport,
    MyData,
    TalkToHuman,
    OwnWords,
    Draft,
    Join,
    Away,
    MyProfile,
)
